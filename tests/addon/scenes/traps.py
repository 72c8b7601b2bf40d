"""A scene with six traps at once."""

from pathlib import Path

import bpy
import numpy as np

from tests.pipeline.shots import picture

from .cast import add_person, random_motion

# The cuts of its frames, counted from 0, and on how many frames each of its cast is shown.
CUTS, SHOWN = (3, 7), [12, 12, 5]


def stage_six_traps(scene, folder: Path) -> None:
    """Linked cameras switched by markers under time stretching, a masked body ("A"), a mirrored one off in
    viewports, one who enters late, a picture beside the file, two cuts; saved as ``shot.blend``."""
    scene.frame_start, scene.frame_end = 1, 12
    scene.render.frame_map_old, scene.render.frame_map_new = 100, 200
    wide, close = linked_cameras(scene, folder)
    for frame, camera in ((1, wide), (2, close), (4, wide)):
        scene.timeline_markers.new(camera.name, frame=frame).camera = camera
    scene.camera = wide

    masked, mirrored, late = (
        add_person(name, motion=random_motion(12, seed=k)) for k, name in enumerate("ABC")
    )
    mask = masked.children[0].modifiers.new("Mask", "MASK")
    mask.vertex_group, mask.invert_vertex_group = "spine2", True
    mirrored.location, mirrored.scale.x = (2, 0, 0), -1
    mirrored.children[0].hide_viewport = True
    late.location = (-2, 0.5, 0)
    for frame, hidden in ((1, True), (4, False)):
        late.children[0].hide_render = hidden
        late.children[0].keyframe_insert("hide_render", frame=frame)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
    (folder / "anna.png").write_bytes(picture(64, 64))


def linked_cameras(scene, folder) -> list:
    """Two cameras from a layout file."""
    cameras = []
    for name, place in (("Wide", (0, -7, 1)), ("Close", (3, -5, 1))):
        camera = bpy.data.objects.new(name, bpy.data.cameras.new(name))
        camera.location, camera.rotation_euler = place, (np.pi / 2, 0, 0)
        cameras.append(camera)
    library = folder / "layout.blend"
    bpy.data.libraries.write(str(library), set(cameras))
    bpy.data.batch_remove([*(camera.data for camera in cameras), *cameras])
    with bpy.data.libraries.load(str(library), link=True) as (_, target):
        target.objects = ["Wide", "Close"]
    for camera in target.objects:
        scene.collection.objects.link(camera)
    return list(target.objects)
