"""Five people under the overlay, played inside Blender: pictures of it, and what a redraw costs with it; then
three of them under the controls of a model that pictures steer.

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
from bpy_extras.object_utils import world_to_camera_view
from bpy_extras.view3d_utils import location_3d_to_region_2d

sys.path.insert(0, str(Path(__file__).parent))
stagehand = importlib.import_module("stagehand")
part = stagehand.part
REPETITIONS = 6


def stage_five(scene) -> None:
    """The demo's two, and three more who walk and dance about them."""
    part("rigs.demo").build_demo_scene(bpy.context)
    rig, engine = part("rigs.rig"), part("rigs.demo").open_body()
    for name, motion, place in (
        ("Cleo", "dance", (0.1, 1.1)),
        ("Dan", "swing", (-0.55, -0.4)),
        ("Eve", "walk", (3.1, 0.3)),
    ):
        armature = rig.add_character(bpy.context, engine, name)
        rig.apply_motion(armature, part("rigs.demo").bundled_motion(motion))
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
    """Medians of the overlay's own work after a change, in milliseconds of the main thread: reading, and
    drawing with all that goes to the GPU."""
    draw, watch, scene = part("overlay.draw"), part("overlay.watch").watch, viewport.window.scene
    reading, drawing = [], []
    for frame in range(scene.frame_start, scene.frame_start + REPETITIONS):
        scene.frame_set(frame)
        reading.append(timed(lambda: watch.drawing(scene), time.thread_time))

    def draw_anew() -> None:
        draw._batches = None
        draw.draw_in_space()

    probe = bpy.types.SpaceView3D.draw_handler_add(
        lambda: drawing.append(timed(draw_anew, time.thread_time)), (), "WINDOW", "POST_VIEW"
    )
    while len(drawing) < REPETITIONS:
        viewport.area.tag_redraw()
        bpy.ops.wm.redraw_timer(type="DRAW_SWAP", iterations=1)
    bpy.types.SpaceView3D.draw_handler_remove(probe, "WINDOW")
    return {"reading": statistics.median(reading), "drawing": statistics.median(drawing)}


def add_open_weights() -> str:
    """Put a model that pictures steer on this machine's list, as far as a panel asks; its name."""
    transformer = {
        "patch_size": [1, 2, 2],
        "num_attention_heads": 12,
        "attention_head_dim": 128,
        "num_layers": 30,
        "ffn_dim": 8960,
        "vace_layers": list(range(0, 30, 2)),
        "in_channels": 16,
        "vace_in_channels": 96,
        "text_dim": 4096,
    }
    configs = {"transformer": transformer, "vae": {"temperal_downsample": [False, True, True]}}
    parameters = {"transformer": 2 * 10**9, "vae": 10**8, "text_encoder": 6 * 10**9}
    added = importlib.import_module("isa_engine.models.added")
    model = added.Added("vace", str(stagehand.FOLDER), "apache-2.0", {}, configs, parameters, added.Running())
    added.remember("wan-vace-1.3b", model)
    part("settings.models").look()
    return "wan-vace-1.3b"


def joints_on_screen(viewport, screen_height: int) -> list[list[int]]:
    """Where Blender shows the cast's joints, and what of the controls is to be seen there: column and row of
    the screen, and RGB."""
    scene, bones = viewport.window.scene, ("wrist", "elbow", "shoulder", "hip", "knee", "ankle")
    region = next(region for region in viewport.area.regions if region.type == "WINDOW")
    picture = part("overlay.watch").watch.drawing(scene).controls
    height, width = picture.shape[:2]
    found = []
    for member in part("settings.cast").playing(scene):
        for bone in (f"{side}_{name}" for side in ("left", "right") for name in bones):
            rig = member.character
            head = rig.matrix_world @ rig.pose.bones[bone].head
            x, y, _ = world_to_camera_view(scene, scene.camera, head)
            place = location_3d_to_region_2d(region, viewport.space.region_3d, head)
            column, row = int(region.x + place.x), int(screen_height - region.y - place.y)
            seen = picture[int((1 - y) * height), int(x * width)]
            if 0 <= column < viewport.sidebar.x:
                found.append([column, row, *seen[:3].tolist()])
    return found


def controls(viewport, report: dict) -> Iterator[None]:
    """Three people under a model's controls; the others are gone."""
    scene = viewport.window.scene
    for name in ("Dan", "Eve"):
        bpy.ops.isa.remove_character(character=name)
    scene.isa.model = add_open_weights()
    viewport.space.region_3d.view_perspective = "CAMERA"
    # As large as the sidebar leaves room for; the toolbar would cover some of it.
    viewport.space.show_region_toolbar = False
    viewport.space.region_3d.view_camera_zoom = 20
    viewport.space.region_3d.view_camera_offset = 0.1, 0
    yield from stagehand.picture("overlay-controls")
    report["joints"] = joints_on_screen(viewport, 1024)
    report["canvas"] = list(part("settings.shot").canvas(scene))
    report["controls"] = {}
    for shown in ({"pose"}, {"mask"}, {"depth"}, {"normals"}, {"pose", "mask"}):
        scene.isa.controls = shown
        report["controls"][" ".join(sorted(shown))] = own_times(viewport)
    scene.frame_set(8)
    yield from stagehand.picture("overlay-masks")
    scene.isa.steering, scene.isa.background, scene.isa.controls = "depth", "RENDER", {"depth"}
    report["controls"]["depth of cast and set"] = own_times(viewport)
    scene.frame_set(8)
    yield from stagehand.picture("overlay-depth")
    # At the picture's lower edge, where nobody stands.
    report["ground"] = part("overlay.watch").watch.drawing(scene).controls[-1, ::40, 0].tolist()


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
    report["problem"] = part("overlay.watch").watch.problem(scene)
    made = part("overlay.watch").watch.drawing(scene)
    report["points"], report["shown"] = len(made.points), int((made.colours[:, 3] == 1).sum())
    yield from controls(viewport, report)
    stagehand.save(report)


stagehand.play(visit())
