"""Five people under the overlay, played inside Blender: pictures of it, and what a redraw costs with it.

usage: blender --enable-event-simulate --python overlay.py -- FOLDER

FOLDER receives pictures of the screen and ``report.json``, times in milliseconds.
"""

import importlib
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).parent))
stagehand = importlib.import_module("stagehand")
part = stagehand.part
REPETITIONS = 6


def stage_five(scene) -> None:
    """The demo's two, and three more who walk and dance about them."""
    part("scene.demo").build_demo_scene(bpy.context)
    rig, engine = part("scene.rig"), part("scene.demo").open_body()
    for name, motion, place in (
        ("Cleo", "dance", (0.1, 1.1)),
        ("Dan", "swing", (-0.55, -0.4)),
        ("Eve", "walk", (3.1, 0.3)),
    ):
        armature = rig.add_character(bpy.context, engine, name)
        rig.apply_motion(armature, part("scene.demo").bundled_motion(motion))
        armature.location.xy = place
        rig.put_on_ground(armature)
    part("settings.cast").refresh_cast(scene)
    scene.frame_set(8)


def times(viewport) -> dict[str, float]:
    """Medians in milliseconds: a redraw of the window, and one after the frame has changed."""
    scene = viewport.window.scene

    def redraw() -> None:
        viewport.area.tag_redraw()
        bpy.ops.wm.redraw_timer(type="DRAW_SWAP", iterations=1)

    redraw()
    still = [timed(redraw) for _ in range(REPETITIONS)]
    frames = range(scene.frame_start, scene.frame_start + REPETITIONS)
    playing = [timed(lambda frame=frame: (scene.frame_set(frame), redraw())) for frame in frames]
    return {"redraw": statistics.median(still), "frame": statistics.median(playing)}


def own_times(viewport) -> dict[str, float]:
    """Medians of the overlay's own work in milliseconds of the main thread: reading what changed, drawing."""
    draw, watch, scene = part("overlay.draw"), part("overlay.watch").watch, viewport.window.scene
    reading, drawing = [], []
    for frame in range(scene.frame_start, scene.frame_start + REPETITIONS):
        scene.frame_set(frame)
        reading.append(timed(lambda: watch.drawing(scene), time.thread_time))
    probe = bpy.types.SpaceView3D.draw_handler_add(
        lambda: drawing.append(timed(draw.draw_in_space, time.thread_time)), (), "WINDOW", "POST_VIEW"
    )
    while len(drawing) < REPETITIONS:
        viewport.area.tag_redraw()
        bpy.ops.wm.redraw_timer(type="DRAW_SWAP", iterations=1)
    bpy.types.SpaceView3D.draw_handler_remove(probe, "WINDOW")
    return {"reading": statistics.median(reading), "drawing": statistics.median(drawing)}


def timed(work, clock=time.perf_counter) -> float:
    start = clock()
    work()
    return 1e3 * (clock() - start)


def visit() -> Iterator[None]:
    viewport = stagehand.Viewport()
    scene = viewport.window.scene
    for item in list(scene.objects):
        bpy.data.objects.remove(item)
    stage_five(scene)
    scene.isa.model = "isa-small"
    # Without a GPU, smoothing costs more than all the rest.
    bpy.context.preferences.system.viewport_aa = "OFF"
    yield from viewport.open_tab("ISA")
    viewport.space.region_3d.view_perspective = "CAMERA"
    yield from stagehand.pause(1.0)
    report = {"blender": bpy.app.version_string, "off": times(viewport)}
    scene.frame_set(8)
    yield from stagehand.picture("overlay-off")
    yield from viewport.click(".isa.overlay")
    yield from stagehand.wait_until(lambda: scene.isa.overlay, 5, "the overlay's switch")
    yield from stagehand.picture("overlay-on")
    report["on"] = times(viewport)
    report["own"] = own_times(viewport)
    scene.frame_set(8)
    viewport.space.region_3d.view_perspective = "PERSP"
    yield from stagehand.picture("overlay-from-aside")
    report["problem"] = part("overlay.watch").watch.problem
    made = part("overlay.watch").watch.drawing(scene)
    report["points"], report["shown"] = len(made.points), int((made.colours[:, 3] == 1).sum())
    stagehand.save(report)


stagehand.play(visit())
