"""What an artist does with the mouse, played inside Blender: stage the demo, click Generate, see the plate.

usage: blender --enable-event-simulate --python artist.py -- FOLDER

FOLDER holds ``task.json`` and receives pictures of the screen and ``report.json``.
"""

import hashlib
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
REPORT: dict = {"blender": bpy.app.version_string, "states": []}


def state() -> str:
    """How the add-on's job stands."""
    session = part("session.current").session()
    assert not session.trouble, session.trouble
    states = [job.state for job in session.queue.jobs()]
    assert "failed" not in states, session.queue.jobs()
    now = "reading" if session.busy else next(iter(states), "idle")
    if now not in REPORT["states"]:
        REPORT["states"].append(now)
    return now


def previewed() -> bool:
    return any(job.snapshot.preview for job in part("session.current").session().queue.jobs())


def movies() -> dict[str, list]:
    """Frames and content of each movie in the file."""
    return {
        image.name: [
            image.frame_duration,
            hashlib.sha256(Path(bpy.path.abspath(image.filepath)).read_bytes()).hexdigest(),
        ]
        for image in bpy.data.images
        if image.source == "MOVIE"
    }


def visit() -> Iterator[None]:
    """From an empty tab to a plate."""
    stagehand.use_engine(TASK)
    viewport = stagehand.Viewport()
    yield from viewport.open_tab("ISA")
    yield from stagehand.picture("1-before")

    yield from viewport.click("bpy.ops.isa.add_demo_scene(")
    yield from stagehand.wait_until(
        lambda: bpy.context.window_manager.windows[0].scene.isa.cast, 120, "the cast"
    )
    scene = viewport.window.scene
    # Few frames on the model's own canvas: the real engine may have a fraction of a core.
    scene.frame_end, scene.isa.detail, scene.isa.steps = scene.frame_start + 8, 1, TASK["steps"]
    viewport.space.region_3d.view_perspective = "CAMERA"
    yield from stagehand.picture("2-staged")

    before = {item.name for item in bpy.data.objects}
    yield from viewport.click("bpy.ops.isa.generate(")
    yield from stagehand.wait_until(lambda: state() == "running" and previewed(), 400, "the first preview")
    yield from stagehand.picture("3-generating")
    yield from stagehand.wait_until(lambda: state() in ("done", "idle") and movies(), 300, "the plate")
    scene.frame_set((scene.frame_start + scene.frame_end) // 2)
    viewport.space.shading.color_type = "TEXTURE"
    yield from stagehand.picture("4-plate")
    REPORT["frames"] = scene.frame_end - scene.frame_start + 1
    REPORT["movies"] = movies()
    REPORT["new_objects"] = sorted({item.name for item in bpy.data.objects} - before)
    REPORT["plates"] = [item.name for item in bpy.data.collections["ISA Plate"].all_objects]
    REPORT["cast"] = [member.character.name for member in scene.isa.cast]
    stagehand.save(REPORT)


stagehand.play(visit())
