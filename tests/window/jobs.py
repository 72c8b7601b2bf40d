"""What an artist does with jobs and takes, played inside Blender, from the staging to the reopened file.

usage: blender --enable-event-simulate --python jobs.py -- FOLDER

FOLDER holds ``task.json`` and receives pictures of the screen and ``report.json``.
"""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
stagehand = importlib.import_module("stagehand")
part = stagehand.part
TASK = json.loads((stagehand.FOLDER / "task.json").read_text())
REPORT: dict = {"blender": bpy.app.version_string}


def states() -> dict[str, str]:
    session = part("session.current").session()
    assert not session.trouble, session.trouble
    return {job.take.name: job.state for job in session.queue.jobs()}


def shown() -> str:
    return part("takes.shown").shown_folder(bpy.context.window_manager.windows[0].scene).name


def previewed() -> bool:
    return any(job.snapshot.preview for job in part("session.current").session().queue.jobs())


def stage(viewport) -> Iterator[None]:
    """The demo's two and a third one, who is matched to a picture."""
    yield from viewport.click("bpy.ops.isa.add_demo_scene(")
    yield from stagehand.wait_until(
        lambda: bpy.context.window_manager.windows[0].scene.isa.cast, 120, "the cast"
    )
    scene = viewport.window.scene
    scene.isa.steps, scene.isa.seed = TASK["steps"], TASK["seed"]
    # An engine that paints plain colours has no use for one.
    scene.isa.background = "NONE"
    scene.frame_end = scene.frame_start + 8
    viewport.space.region_3d.view_perspective = "CAMERA"
    viewport.space.shading.color_type = "TEXTURE"
    bpy.ops.wm.save_as_mainfile(filepath=str(stagehand.FOLDER / "shot.blend"))
    scene.cursor.location = 0, 2, 0
    yield from viewport.click("bpy.ops.isa.add_character(", across=0.2)
    yield from stagehand.wait_until(lambda: len(scene.isa.cast) == 3, 60, "the third")
    names = [member.character.name for member in scene.isa.cast]
    member = scene.isa.cast[names.index("Character")]
    picture = Path(bpy.path.abspath(scene.isa.cast[names.index("Anna")].picture))
    yield from stagehand.pause(1)
    yield from viewport.click("bpy.ops.isa.choose_picture(", across=0.82)
    yield from stagehand.choose(picture, "jobs-0-browser")
    yield from stagehand.wait_until(lambda: member.picture, 20, "the picture")
    # The first row is found at its upper edge.
    across, first = yield from viewport.find("isa.cast_index", across=0.55)
    row = first - int((names.index("Character") + 0.4) * stagehand.ROW)
    yield from viewport.press("LEFTMOUSE", across, row)
    yield from stagehand.wait_until(
        lambda: scene.isa.cast[scene.isa.cast_index] == member, 10, "the third's row"
    )
    yield from stagehand.pause(1)
    # The menu of where the picture's pose comes from: First Frame, Frame, Stand-In.
    place = yield from viewport.find(".pose", across=0.5)
    yield from viewport.press("LEFTMOUSE", *place)
    yield from stagehand.pause(0.5)
    yield from stagehand.picture("jobs-0-menu")
    yield from viewport.press("S", *place)
    yield from stagehand.wait_until(lambda: member.pose == "MATCHED", 10, "the ghost's pose")
    yield from stagehand.pause(1)
    yield from viewport.click("bpy.ops.isa.match_reference(", across=0.3)
    yield from stagehand.wait_until(lambda: member.ghost is not None, 30, "the ghost")
    yield from stagehand.pause(1)
    yield from stagehand.picture("jobs-0-matched")
    # As the artist drags it over somebody: one that nobody has moved holds the shot.
    member.ghost.location.x -= 0.9
    yield from viewport.click("bpy.ops.isa.leave_reference(")
    yield from stagehand.wait_until(lambda: not viewport.space.use_local_camera, 10, "the scene's camera")
    REPORT["cast"] = names


def jobs(viewport) -> Iterator[None]:
    """Three, one of them cancelled and begun again, to their plates."""
    for count in (1, 2, 3):
        yield from viewport.click("bpy.ops.isa.generate(", across=0.3)
        yield from stagehand.wait_until(lambda count=count: len(states()) == count, 300, f"job {count}")
        if count == 1:
            yield from stagehand.wait_until(previewed, 60, "a preview")
    yield from stagehand.picture("jobs-1-queue")
    first = next(iter(states()))
    yield from viewport.click("bpy.ops.isa.cancel_job(", across=0.9)
    yield from stagehand.wait_until(lambda: states()[first] == "cancelled", 30, "the end of the first")
    yield from stagehand.pause(1)
    yield from stagehand.picture("jobs-2-cancelled")
    yield from viewport.click("bpy.ops.isa.retry_job(", across=0.82)
    yield from stagehand.picture("jobs-3-again")
    (stagehand.FOLDER / "go").touch()
    yield from stagehand.wait_until(lambda: not states(), 240, "all the plates")
    yield from stagehand.pause(1)
    scene = viewport.window.scene
    scene.frame_set((scene.frame_start + scene.frame_end) // 2)
    # A step of its own, as the artist's is: undoing a later one does not go back to the first frame.
    with bpy.context.temp_override(window=viewport.window):
        bpy.ops.ed.undo_push(message="Change Frame")
    yield from stagehand.picture("jobs-4-takes")


def takes(viewport) -> Iterator[None]:
    """One is pinned, another shown, and that undone; then a key of the artist's does it."""
    before = shown()
    newest = (
        part("session.current")
        .session()
        .queue.takes(part("takes.ids").known_shot_id(viewport.window.scene))[0]
    )
    yield from viewport.click("bpy.ops.isa.pin_take(", across=0.93)
    queue = part("session.current").session().queue
    yield from stagehand.wait_until(lambda: queue.take(newest.folder).pinned, 10, "the pin")
    yield from viewport.click("bpy.ops.isa.compare_takes(")
    yield from stagehand.wait_until(lambda: shown() != before, 10, "the other take")
    REPORT["compared"] = [before, shown()]
    yield from stagehand.picture("jobs-5-compared")
    yield from viewport.key("Z", ctrl=True)
    yield from stagehand.wait_until(lambda: shown() == before, 10, "the undo")
    REPORT["undone"] = shown()
    (item,) = (
        item
        for item in bpy.context.window_manager.keyconfigs.user.keymaps["3D View"].keymap_items
        if item.idname == "isa.compare_takes"
    )
    # Another key than ours, as the artist gives it.
    item.type, item.ctrl = "F8", False
    for wanted in (REPORT["compared"][1], before):
        yield from viewport.key("F8")
        yield from stagehand.wait_until(lambda wanted=wanted: shown() == wanted, 10, f"{wanted} by its key")


def imported(viewport) -> Iterator[None]:
    """A take by its movie, in a browser with thumbnails."""
    folder = part("takes.shown").other_folder(viewport.window.scene)
    yield from viewport.click("bpy.ops.isa.import_results(")
    REPORT["browser"] = yield from stagehand.choose(folder / "plate.mp4", "jobs-5-browser")
    yield from stagehand.wait_until(lambda: shown() == folder.name, 20, "the take")
    yield from stagehand.pause(1)


def alpha(viewport) -> Iterator[None]:
    """The people with alpha; a stand-in for the engine writes them once it is told to."""
    deliver = part("session.programs.delivery").under_way
    yield from viewport.click("bpy.ops.isa.deliver(kind='prores'", across=0.2)
    yield from stagehand.wait_until(lambda: deliver.current is not None, 10, "the writing")
    yield from stagehand.picture("jobs-6-alpha")
    (stagehand.FOLDER / "deliver").touch()
    yield from stagehand.wait_until(lambda: deliver.current is None, 30, "its end")
    REPORT["delivered"] = (part("takes.shown").shown_folder(viewport.window.scene) / "people.mov").read_text()


def reopen(viewport) -> Iterator[None]:
    """Control-S, Control-O."""
    yield from viewport.key("S", ctrl=True)
    yield from stagehand.wait_until(lambda: not bpy.data.is_dirty, 20, "the file")
    opened = []
    bpy.app.handlers.load_post.append(bpy.app.handlers.persistent(lambda *_: opened.append(True)))
    yield from viewport.key("O", ctrl=True)
    yield from stagehand.choose(stagehand.FOLDER / "shot.blend", "jobs-7-browser")
    yield from stagehand.wait_until(lambda: opened, 20, "the file again")
    viewport = stagehand.Viewport()
    scene = viewport.window.scene
    known = part("takes.ids").known_shot_id
    takes = part("session.current").session().queue.takes
    yield from stagehand.wait_until(lambda: len(takes(known(scene))) == 3, 20, "the takes of the file")
    REPORT["takes"] = [[take.name, take.pinned] for take in takes(known(scene))]
    yield from stagehand.pause(1)
    yield from stagehand.picture("jobs-7-reopened")


def visit() -> Iterator[None]:
    """Three takes of a shot."""
    bpy.context.preferences.view.filebrowser_display_type = "SCREEN"
    preferences = stagehand.use_engine(TASK)
    preferences.engine_python = str(stagehand.FOLDER / "engine-python")
    stagehand.unfold(part("ui.plate").ISA_PT_plate, part("ui.delivery").ISA_PT_delivery)
    viewport = stagehand.Viewport()
    yield from viewport.open_tab("ISA")
    yield from stage(viewport)
    yield from jobs(viewport)
    yield from takes(viewport)
    yield from imported(viewport)
    yield from alpha(viewport)
    yield from reopen(viewport)
    stagehand.save(REPORT)


stagehand.play(visit())
