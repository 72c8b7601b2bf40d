"""What the file itself stands in the way of: people nobody can read, blocked drivers, missing libraries,
footage that does not last.
"""

import time
from collections.abc import Iterable

import bpy

from isa_engine.errors import SceneError

from ..background import footage_files, footage_range
from ..scene.picture import stored_turned
from ..scene.timeline import frame_numbers
from ..scene.uncast import Uncast, bare_parts, missing_libraries, uncast_people
from .finding import Finding, Mend

# Looking through a large scene costs more than a redraw of the panel may.
_SECONDS = 1.0
_looked: tuple[float, int, list[Finding]] = (-_SECONDS, 0, [])


def check_file(scene) -> list[Finding]:
    """What stands in the way, as of a second ago: a look at a large scene takes longer than a redraw may."""
    global _looked
    when, which, found = _looked
    now = time.monotonic()
    if which != scene.session_uid or not 0 <= now - when < _SECONDS:
        found = [*_blocked_drivers(), *_missing_libraries(), *_short_footage(scene)]
        found += [*_turned_footage(scene), *_bare_parts(scene)]
        found += [_uncast(scene, people) for people in uncast_people(scene)]
        _looked = now, scene.session_uid, found
    return found


def look_again() -> None:
    """Look anew at the next drawing, because something was mended."""
    global _looked
    _looked = -_SECONDS, 0, []


def _blocked_drivers() -> list[Finding]:
    if not bpy.app.autoexec_fail or bpy.app.autoexec_fail_quiet:
        return []
    text = (
        "Python in this file is blocked ({what}): what its drivers move stands still. "
        "Trust it (blender -y without a window)."
    )
    message = bpy.app.autoexec_fail_message
    reload = Mend("Reload Trusted", "isa.reload_trusted")
    # A script that did not run may matter to nobody; a driver that does not moves somebody.
    return [Finding(text, {"what": message}, (reload,), message.startswith("Driver"))]


def _missing_libraries() -> list[Finding]:
    text = "What is linked from {file} is missing: the file is not there (File ▸ External Data)."
    find = Mend("Find Missing Files", "file.find_missing_files")
    return [Finding(text, {"file": path}, (find,), True) for path in missing_libraries()]


def _short_footage(scene) -> list[Finding]:
    if scene.isa.background != "FOOTAGE":
        return []
    try:
        there, numbers = footage_range(scene), frame_numbers(scene)
    except SceneError:
        # That it cannot be used is said where the shot is read.
        return []
    if there is None or (numbers[0] in there and numbers[-1] in there):
        return []
    text = (
        "The footage {file} lasts from frame {start} to {end}, the shot from {first} to {last}: move its "
        "start under Background, or shorten the frame range."
    )
    first, last = int(numbers[0]), int(numbers[-1])
    values = {"file": bpy.path.basename(scene.isa.footage.filepath), "first": first, "last": last}
    values |= {"start": there[0], "end": there[-1]}
    if first not in there:
        return [Finding(text, values, (), True)]
    inside = int(numbers[numbers <= there[-1]][-1])
    shorter = Mend("End at {frame_end}", "isa.shorten_range", {"frame_end": inside})
    return [Finding(text, values, (shorter,), True)]


def _turned_footage(scene) -> list[Finding]:
    """Of pictures; movies Blender turns itself, or not, as it does in the viewport."""
    if scene.isa.background != "FOOTAGE":
        return []
    try:
        first = footage_files(scene)[0]
    except SceneError:
        # That it cannot be used is said where the shot is read.
        return []
    if stored_turned(first) == 1:
        return []
    text = (
        "The footage {file} is stored turned: other programs set it upright, Blender and the plate show it "
        "lying. Save it upright in another program."
    )
    return [Finding(text, {"file": bpy.path.basename(first)}, (), True)]


def _bare_parts(scene) -> list[Finding]:
    text = (
        "{name}: points lie on '{body}' alone, and {others} reach beyond it: the model does not see them. "
        "Join them (Object ▸ Join)."
    )
    try:
        parts = bare_parts(scene)
    except SceneError:
        # That an override names what cannot be a character is said where the cast is read.
        return []
    found = []
    for name, body, others in parts:
        values = {"name": name, "body": body, "others": ", ".join(f"'{other}'" for other in others)}
        found.append(Finding(text, values, (_show(scene, body),)))
    return found


def _show(scene, item: str) -> Mend:
    """The button that selects an object, who may be nobody of the cast."""
    return Mend("Show", "isa.go_there", {"scene": scene.name_full, "item": item})


def check_copies(scene, people: Iterable[Uncast]) -> list[Finding]:
    """Whom the frames showed as copies."""
    return [_uncast(scene, each) for each in sorted(people, key=lambda each: each.place)]


def _uncast(scene, people: Uncast) -> Finding:
    place = people.place
    if people.reason == "instance":
        text = "{names}: rendered as an instance by '{place}', whose pose cannot be read. Make it real."
        mend = Mend("Make Real", "isa.make_instance_real", {"instance": place})
    elif people.reason == "instancer":
        text = "{names}: copied by '{place}', and copies cannot be read. Make them real (Object ▸ Apply)."
        mend = _show(scene, place)
    elif people.reason == "layer":
        text = "{names}: rendered in view layer '{place}' alone, and only the window's layer is read."
        mend = Mend("Read That Layer", "isa.go_there", {"scene": scene.name_full, "layer": place})
    else:
        text = "{names}: rendered behind this scene from scene '{place}', and not read from there."
        mend = Mend("Go to Scene", "isa.go_there", {"scene": place})
    return Finding(text, {"names": ", ".join(people.names), "place": place}, (mend,))
