"""An artist stages a shot with faults, mends them by preflight's buttons, and matches a portrait; in Blender.

usage: blender --enable-event-simulate --python matching.py -- FOLDER
"""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
stagehand = importlib.import_module("stagehand")
part = stagehand.part


def preflight(viewport) -> Iterator[None]:
    """Two stand in each other and one is out of the frame; Check says so, and two buttons mend it."""
    scene = viewport.window.scene
    demo, rig = part("rigs.demo"), part("rigs.rig")
    demo.build_demo_scene(bpy.context)
    anna, ben = (scene.objects[name] for name in ("Anna", "Ben"))
    pelvis = [(item.matrix_world @ item.pose.bones["pelvis"].matrix).translation for item in (anna, ben)]
    ben.location.xy += (pelvis[0] - pelvis[1]).xy
    cleo = rig.add_character(bpy.context, demo.open_body(), "Cleo")
    cleo.location.x = 30
    part("settings.cast").refresh_cast(scene)
    viewport.space.region_3d.view_perspective = "CAMERA"
    yield from stagehand.pause(1)
    yield from viewport.click("bpy.ops.isa.check_shot(", across=0.92)
    session = part("session.current").session()
    yield from stagehand.wait_until(lambda: len(session.findings) == 2, 60, "the findings")
    yield from stagehand.picture("preflight-folded")
    yield from viewport.click("isa_messages", across=0.25)
    yield from stagehand.pause(1)
    yield from stagehand.picture("preflight-found")
    yield from viewport.click("bpy.ops.isa.leave_out(", across=0.3)
    # What is left moves up.
    yield from stagehand.wait_until(lambda: len(session.findings) == 1, 10, "the leaving")
    yield from stagehand.pause(1.5)
    yield from viewport.click("bpy.ops.isa.move_apart(", across=0.3)
    yield from stagehand.wait_until(lambda: not session.findings, 10, "the mending")
    yield from stagehand.pause(1.5)
    yield from viewport.click("bpy.ops.isa.check_shot(", across=0.92)
    yield from stagehand.wait_until(lambda: session.note, 60, "the second check")
    yield from stagehand.picture("preflight-mended")
    REPORT["findings"], REPORT["note"] = len(session.findings), session.note


def portrait(scene) -> Path:
    """A picture of Anna as she stands on frame 9, from nearer and another side, upright."""
    path = stagehand.FOLDER / "portrait.png"
    camera = scene.camera.copy()
    camera.data = camera.data.copy()
    camera.animation_data_clear()
    camera.data.animation_data_clear()
    camera.constraints.clear()
    scene.collection.objects.link(camera)
    anna = scene.objects["Anna"]
    scene.frame_set(9)
    middle = (anna.matrix_world @ anna.pose.bones["spine1"].matrix).translation
    camera.location = middle.x + 1.2, middle.y - 3.6, middle.z + 0.3
    way = middle - camera.location
    camera.rotation_euler = way.to_track_quat("-Z", "Y").to_euler()
    camera.data.lens, camera.data.sensor_fit, camera.data.sensor_height = 50, "VERTICAL", 36
    before = scene.camera, scene.render.resolution_x, scene.render.resolution_y
    scene.camera, scene.render.resolution_x, scene.render.resolution_y = camera, 360, 540
    hidden = list(scene.objects["Ben"].children_recursive)
    for item in hidden:
        item.hide_render = True
    part("scene.reference").render_reference(scene, 9, path)
    for item in hidden:
        item.hide_render = False
    REPORT["camera"] = camera.name
    scene.camera, scene.render.resolution_x, scene.render.resolution_y = before
    return path


def true_marks(scene) -> np.ndarray:
    """Where the portrait shows Anna's keypoints: ``(17, 2)`` in [0, 1], y down."""
    seen, camera = part("matching.seen"), scene.objects[REPORT["camera"]]
    scene.frame_set(9)
    anna = scene.objects["Anna"]
    stand_in = type("Member", (), {"ghost": anna, "ghost_camera": camera, "picture": str(PORTRAIT[0])})()
    return seen.ghost_places(scene, stand_in)


PORTRAIT: list[Path] = []


def matching(viewport) -> Iterator[None]:
    """Match, mark the joints with the mouse, fit."""
    scene = viewport.window.scene
    PORTRAIT.append(portrait(scene))
    member = scene.isa.cast[0]
    member.picture = str(PORTRAIT[0])
    marks = true_marks(scene)
    bpy.context.view_layer.update()
    yield from stagehand.pause(0.5)
    yield from viewport.click("bpy.ops.isa.match_reference(", across=0.3)
    yield from stagehand.wait_until(lambda: member.ghost is not None, 10, "the ghost")
    yield from stagehand.picture("match-ghost")

    area = viewport.area
    area.type = "IMAGE_EDITOR"
    area.spaces.active.image = bpy.data.images.load(str(PORTRAIT[0]), check_existing=True)
    area.spaces.active.show_region_ui = True
    yield from stagehand.pause(0.5)
    viewport.sidebar.active_panel_category = "ISA"
    area.tag_redraw()
    yield from stagehand.pause(0.5)
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=viewport.window, area=area, region=region):
        bpy.ops.image.view_all(fit_view=True)
    yield from stagehand.pause(0.5)
    yield from viewport.click("bpy.ops.isa.mark_joints(")
    for index, (x, y) in enumerate(marks.tolist()):
        place = region.view2d.view_to_region(x, 1 - y, clip=False)
        place = region.x + place[0], region.y + place[1]
        for kind, value in (("MOUSEMOVE", "NOTHING"), ("LEFTMOUSE", "PRESS"), ("LEFTMOUSE", "RELEASE")):
            viewport.window.event_simulate(type=kind, value=value, x=int(place[0]), y=int(place[1]))
            yield
        if index == 8:
            yield from stagehand.picture("match-marking")
    viewport.window.event_simulate(type="RET", value="PRESS", x=int(place[0]), y=int(place[1]))
    yield from stagehand.wait_until(lambda: all(member.marked), 10, "the marks")
    viewport.window.event_simulate(type="RET", value="RELEASE", x=int(place[0]), y=int(place[1]))
    yield from stagehand.pause(0.5)
    yield from viewport.click("bpy.ops.isa.fit_pose(", across=0.75)
    seen = part("matching.seen")
    yield from stagehand.wait_until(lambda: seen.match_error(scene, member) < 6, 60, "the fit")
    REPORT["pixels"] = seen.match_error(scene, member)
    yield from stagehand.picture("match-fitted")
    area.type = "VIEW_3D"
    viewport.space = area.spaces.active
    yield from viewport.open_tab("ISA")
    yield from stagehand.picture("match-in-space")
    REPORT["reference"] = list(part("settings.cast").references(scene)) == [member.character.name_full]


REPORT: dict = {"blender": bpy.app.version_string}


def visit() -> Iterator[None]:
    viewport = stagehand.Viewport()
    for item in list(viewport.window.scene.objects):
        bpy.data.objects.remove(item)
    bpy.context.preferences.system.viewport_aa = "OFF"
    yield from viewport.open_tab("ISA")
    yield from preflight(viewport)
    yield from matching(viewport)
    stagehand.save(REPORT)


stagehand.play(visit())
