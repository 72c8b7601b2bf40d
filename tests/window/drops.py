"""Files dropped on a real Blender's window by another program, played inside Blender.

usage: blender --enable-event-simulate --python drops.py -- FOLDER

FOLDER holds ``drag.py``, what it imports in ``libraries``, ``photo.png``, ``walk.npz``, ``broken.bvh``.
"""

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import bpy
from bpy_extras.view3d_utils import location_3d_to_region_2d
from mathutils import Vector

sys.path.insert(0, str(Path(__file__).parent))
stagehand = importlib.import_module("stagehand")
FOLDER = stagehand.FOLDER
REPORT: dict = {"blender": bpy.app.version_string}


def scene():
    return bpy.context.window_manager.windows[0].scene


def pictures() -> dict[str, str]:
    return {member.character.name: Path(member.picture).name for member in scene().isa.cast}


def moving() -> list[str]:
    animated = [member.character for member in scene().isa.cast if member.character.animation_data]
    return [character.name for character in animated if character.animation_data.action]


def drop(viewport, place: tuple[int, int], file: str) -> Iterator[None]:
    """Where Blender has uses of its own for such a file, it asks; ours is chosen by its letter."""
    x, y = place
    # The screen's y is down, Blender's up; its window is the screen.
    where = str(x), str(viewport.window.height - y)
    command = ["python3", str(FOLDER / "drag.py"), *where, str(FOLDER / file)]
    drag = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(FOLDER / "libraries")})
    yield from stagehand.wait_until(lambda: drag.poll() is not None, 120, "the drop's end")
    assert drag.returncode == 0
    yield from stagehand.pause(1)
    if file.endswith(".png") and bpy.app.version >= (4, 3):
        yield from stagehand.picture(f"drop-{Path(file).stem}")
        yield from viewport.press("R", x, y)
        yield from stagehand.pause(1)


def visit() -> Iterator[None]:
    viewport = stagehand.Viewport()
    for item in list(scene().objects):
        bpy.data.objects.remove(item)
    for name in ("Anna", "Ben"):
        with bpy.context.temp_override(window=viewport.window):
            bpy.ops.isa.add_character(name=name)
            bpy.ops.ed.undo_push(message=name)
    yield from viewport.open_tab("ISA")
    yield from stagehand.pause(1)
    view = next(region for region in viewport.area.regions if region.type == "WINDOW")

    def chest(name: str) -> tuple[int, int]:
        above = scene().objects[name].matrix_world.translation + Vector((0, 0, 1.25))
        at = location_3d_to_region_2d(view, viewport.space.region_3d, above)
        return int(view.x + at.x), int(view.y + at.y)

    sidebar = viewport.sidebar
    beside = sidebar.x + sidebar.width // 3, sidebar.y + sidebar.height // 2
    # Older ones have a picture on the viewport for their own, and do not ask.
    yield from drop(viewport, chest("Anna") if bpy.app.version >= (4, 3) else beside, "photo.png")
    yield from stagehand.wait_until(lambda: any(pictures().values()), 20, "a picture")
    REPORT["first"] = pictures()
    yield from drop(viewport, beside, "photo.png")
    yield from stagehand.pause(1)
    REPORT["second"] = pictures()
    yield from drop(viewport, chest("Anna"), "walk.npz")
    yield from stagehand.wait_until(moving, 20, "a motion")
    REPORT["moving"] = moving()
    yield from drop(viewport, chest("Ben"), "broken.bvh")
    yield from stagehand.picture("drop-broken")
    REPORT["still"] = moving()
    yield from viewport.key("ESC")
    yield from viewport.key("Z", ctrl=True)
    yield from stagehand.wait_until(lambda: not moving(), 20, "the undo")
    REPORT["undone"] = pictures()
    stagehand.save(REPORT)


stagehand.play(visit())
