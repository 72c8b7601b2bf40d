"""A long shot is checked by its button under a viewport that is drawn, played inside Blender.

usage: blender --enable-event-simulate --python reading.py -- FOLDER

FOLDER receives ``report.json``: how long it took, and how often the scene was drawn meanwhile.
"""

import importlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
stagehand = importlib.import_module("stagehand")
part = stagehand.part
FRAMES = 250
REPORT: dict = {"blender": bpy.app.version_string, "frames": FRAMES}


def visit() -> Iterator[None]:
    viewport = stagehand.Viewport()
    yield from viewport.open_tab("ISA")
    bpy.ops.isa.add_demo_scene()
    scene = viewport.window.scene
    scene.frame_end = scene.frame_start + FRAMES - 1
    viewport.space.region_3d.view_perspective = "CAMERA"
    yield from stagehand.pause(2)
    stalls = stagehand.Stalls()
    session = part("session.current").session()
    place = yield from viewport.find("bpy.ops.isa.check_shot(", across=0.92)
    began = time.monotonic()
    yield from viewport.press("LEFTMOUSE", *place)
    over = stagehand.wait_until(lambda: session.reading is not None and session.reading.over, 300, "its end")
    yield from stalls.during("reading", over)
    REPORT["seconds"] = time.monotonic() - began
    REPORT["reading"] = stalls.longest["reading"]
    REPORT["error"] = session.trouble
    stagehand.save(REPORT)


stagehand.play(visit())
