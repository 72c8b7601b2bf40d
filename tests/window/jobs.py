"""What an artist does with jobs and takes, played inside Blender: queue, cancel, retry, compare, reopen.

usage: blender --enable-event-simulate --python jobs.py -- FOLDER

FOLDER holds ``task.json`` and receives pictures of the screen and ``report.json``.
"""

import importlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
stagehand = importlib.import_module("stagehand")
part = stagehand.part
TASK = json.loads((stagehand.FOLDER / "task.json").read_text())
REPORT: dict = {"blender": bpy.app.version_string, "stalls": {}}


def states() -> dict[str, str]:
    session = part("session").session()
    assert not session.trouble, session.trouble
    return {job.take.name: job.state for job in session.queue.jobs()}


def shown() -> str:
    return part("takes").shown_folder(bpy.context.window_manager.windows[0].scene).name


def time_of(owner, name: str) -> None:
    """Keep the longest call of one of the add-on's functions in the report, milliseconds."""
    plain = getattr(owner, name)

    def timed(*arguments):
        began = time.perf_counter()
        try:
            return plain(*arguments)
        finally:
            took = 1000 * (time.perf_counter() - began)
            REPORT["stalls"][name] = max(REPORT["stalls"].get(name, 0), took)

    setattr(owner, name, timed)


def visit() -> Iterator[None]:
    """Three takes of a shot."""
    preferences = bpy.context.preferences.addons[stagehand.ADDON].preferences
    preferences.engine = "REMOTE"
    preferences.remote_url, preferences.remote_token = TASK["url"], TASK["token"]
    queue, session = part("engine.queue").JobQueue, part("session").Session
    for owner, name in (
        (queue, "add"),
        (queue, "advance"),
        (queue, "jobs"),
        (session, "_import_arrived"),
        (part("ui.jobs"), "draw_job"),
        (part("ui.takes"), "_draw_take"),
    ):
        time_of(owner, name)
    viewport = stagehand.Viewport()
    yield from viewport.open_tab("ISA")
    yield from viewport.click("bpy.ops.isa.add_demo_scene(")
    yield from stagehand.wait_until(
        lambda: bpy.context.window_manager.windows[0].scene.isa.cast, 120, "the cast"
    )
    scene = viewport.window.scene
    scene.isa.steps, scene.isa.seed = TASK["steps"], TASK["seed"]
    scene.frame_end = scene.frame_start + 8
    viewport.space.region_3d.view_perspective = "CAMERA"
    viewport.space.shading.color_type = "TEXTURE"
    bpy.ops.wm.save_as_mainfile(filepath=str(stagehand.FOLDER / "shot.blend"))

    for count in (1, 2, 3):
        yield from viewport.click("bpy.ops.isa.generate(", across=0.3)
        yield from stagehand.wait_until(lambda count=count: len(states()) == count, 300, f"job {count}")
    yield from stagehand.wait_until(
        lambda: any(job.snapshot.preview for job in part("session").session().queue.jobs()), 60, "a preview"
    )
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
    scene.frame_set((scene.frame_start + scene.frame_end) // 2)
    yield from stagehand.picture("jobs-4-takes")

    before = shown()
    bpy.ops.isa.pin_take(take=str(part("takes").shown_folder(scene)))
    yield from viewport.click("bpy.ops.isa.compare_takes(")
    yield from stagehand.wait_until(lambda: shown() != before, 10, "the other take")
    REPORT["compared"] = [before, shown()]
    yield from stagehand.picture("jobs-5-compared")
    with bpy.context.temp_override(window=viewport.window, area=viewport.area):
        bpy.ops.ed.undo()
    REPORT["undone"] = shown()
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(stagehand.FOLDER / "shot.blend"))
    viewport = stagehand.Viewport()
    scene = viewport.window.scene
    known = part("shots").known_shot
    takes = part("session").session().queue.takes
    yield from stagehand.wait_until(lambda: len(takes(known(scene))) == 3, 20, "the takes of the file")
    REPORT["takes"] = [[take.name, take.pinned] for take in takes(known(scene))]
    yield from stagehand.pause(1)
    yield from stagehand.picture("jobs-6-reopened")
    stagehand.save(REPORT)


stagehand.play(visit())
