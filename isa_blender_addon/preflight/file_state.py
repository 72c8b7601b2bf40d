"""What the file itself stands in the way of: people nobody can read, blocked drivers, missing libraries."""

import time
from collections.abc import Iterable

import bpy

from isa_engine.errors import SceneError

from ..scene.absent import Absent, absent_people, bare_parts, missing_libraries
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
        found = [*_blocked_drivers(), *_missing_libraries(), *_bare_parts(scene)]
        found += map(_absent, absent_people(scene))
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
    return [Finding(text, {"file": path}, (), True) for path in missing_libraries()]


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
    return [
        Finding(text, {"name": name, "body": body, "others": ", ".join(f"'{other}'" for other in others)})
        for name, body, others in parts
    ]


def check_copies(people: Iterable[Absent]) -> list[Finding]:
    """Whom the frames showed as copies."""
    return [_absent(each) for each in sorted(people, key=lambda each: each.place)]


def _absent(people: Absent) -> Finding:
    values = {"names": ", ".join(people.names), "place": people.place}
    mends: tuple[Mend, ...] = ()
    if people.reason == "instance":
        text = "{names}: rendered as an instance by '{place}', whose pose cannot be read. Make it real."
        mends = (Mend("Make Real", "isa.make_instance_real", {"instance": people.place}),)
    elif people.reason == "linked instance":
        text = (
            "{names}: rendered as an instance by '{place}', whose pose cannot be read. "
            "Override it: Object ▸ Library Override ▸ Make."
        )
    elif people.reason == "instancer":
        text = "{names}: copied by '{place}', and copies cannot be read. Make them real (Object ▸ Apply)."
    elif people.reason == "layer":
        text = "{names}: rendered in view layer '{place}' alone, and only the first layer is read."
    else:
        text = "{names}: rendered behind this scene from scene '{place}', and not read from there."
    return Finding(text, values, mends)
