"""The shot against the renderer's own word: what a render engine is given to draw, on every frame."""

from dataclasses import dataclass, field

import bpy
import numpy as np
import pytest
from mathutils.bvhtree import BVHTree

from isa_blender_addon.scene.capture import Reference
from isa_engine.shot import Settings, Shot
from tests.addon.scenes.cast import add_person, random_motion
from tests.addon.scenes.shot import capture_shot
from tests.pipeline.shots import picture

SETTINGS = Settings(width=64, height=64)
MILLIMETRE = 1e-3
# Random rigs are balls that cross; a point may lie on either.
NEARLY_ALL = 0.99


@dataclass
class Rendered:
    """What one frame shows: the camera, and each body's vertices and triangles in the world."""

    camera: np.ndarray
    bodies: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)


class WITNESS_render_engine(bpy.types.RenderEngine):
    bl_idname, bl_label = "WITNESS", "Witness"
    seen: list[Rendered] = []

    def render(self, depsgraph) -> None:
        frame = Rendered(np.array(depsgraph.scene.camera.matrix_world.normalized()))
        for instance in depsgraph.object_instances:
            item = instance.object
            if item.type == "MESH" and instance.show_self:
                mesh = item.to_mesh()
                mesh.calc_loop_triangles()
                vertices = np.array([instance.matrix_world @ vertex.co for vertex in mesh.vertices])
                triangles = np.array([triangle.vertices[:] for triangle in mesh.loop_triangles])
                whose = item.original.parent or item.original
                frame.bodies[whose.name_full] = vertices, triangles
                item.to_mesh_clear()
        type(self).seen.append(frame)


@pytest.fixture
def rendered(scene):
    """``rendered(numbers)`` → what the renderer draws on these scene frames."""
    bpy.utils.register_class(WITNESS_render_engine)

    def render(numbers) -> list[Rendered]:
        WITNESS_render_engine.seen.clear()
        before, scene.render.engine = scene.render.engine, "WITNESS"
        for number in numbers:
            scene.frame_set(int(number))
            bpy.ops.render.render(scene=scene.name)
        scene.render.engine = before
        return list(WITNESS_render_engine.seen)

    yield render
    bpy.utils.unregister_class(WITNESS_render_engine)


def assert_as_rendered(shot: Shot, frames: list[Rendered], partly: set[str] = frozenset()) -> None:
    """Who is shown, where their skin is, and the camera, frame by frame.

    Args:
        partly: those of whom modifiers hide parts: only what is left can be compared.
    """
    assert len(frames) == shot.frames
    for k, frame in enumerate(frames):
        assert {c.name for c in shot.characters if c.visible[k]} == set(frame.bodies)
        np.testing.assert_allclose(shot.camera_to_world[k], frame.camera, atol=1e-5)
        for character in shot.characters:
            if not character.visible[k]:
                continue
            tree = BVHTree.FromPolygons(*(part.tolist() for part in frame.bodies[character.name]))
            away = np.array([tree.find_nearest(point)[3] for point in character.points[k][::8].tolist()])
            if character.name in partly:
                # The skin that is left has points on it; some are on skin that is hidden.
                assert 0.3 < (away < MILLIMETRE).mean() < 1
            else:
                assert (away < MILLIMETRE).mean() >= NEARLY_ALL, character.name


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


def test_six_traps_at_once_and_the_shot_is_what_the_renderer_draws(scene, rendered, tmp_path):
    """Linked cameras switched by markers under time stretching, a masked body, a mirrored one that is off in
    viewports, one who enters late, a picture beside the file, two cuts."""
    scene.frame_start, scene.frame_end = 1, 12
    scene.render.frame_map_old, scene.render.frame_map_new = 100, 200
    wide, close = linked_cameras(scene, tmp_path)
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
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    (tmp_path / "anna.png").write_bytes(picture(64, 64))

    shot = capture_shot(scene, SETTINGS, {"A": Reference("//anna.png")})
    frames = rendered(shot.frame_numbers)
    assert_as_rendered(shot, frames, partly={"A"})
    # Time is stretched to half its pace: a marker or key at 2 is reached on frame 4, one at 4 on frame 8.
    assert shot.cuts == (3, 7)
    assert shot.segments == [3, 4, 5]
    assert [c.visible.sum() for c in shot.characters] == [12, 12, 5]
    assert shot.references == ((tmp_path / "anna.png").read_bytes(),)


@pytest.mark.parametrize("engine_sees", ["instances", "modifiers off in viewports"])
def test_what_is_read_is_what_is_rendered(scene, rendered, engine_sees):
    scene.frame_start, scene.frame_end = 1, 3
    anna = add_person("Anna")
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location, camera.rotation_euler = (0, -6, 0), (np.pi / 2, 0, 0)
    scene.collection.objects.link(camera)
    scene.camera = camera
    body = anna.children[0]
    if engine_sees == "instances":
        from isa_blender_addon.scene.instances import make_real

        asset = bpy.data.collections.new("Asset")
        asset.instance_offset = (0.3, 0, 0.1)
        for item in (anna, body):
            scene.collection.objects.unlink(item)
            asset.objects.link(item)
        empty = bpy.data.objects.new("Instance", None)
        empty.instance_type, empty.instance_collection, empty.location = "COLLECTION", asset, (1, 2, 0)
        empty.rotation_euler.z, empty.scale = 0.7, (1.2, 1.2, 1.2)
        scene.collection.objects.link(empty)
        before = rendered(range(1, 4))
        make_real(empty)
        after = rendered(range(1, 4))
        for one, other in zip(before, after, strict=True):
            ((first, _),), ((second, _),) = one.bodies.values(), other.bodies.values()
            np.testing.assert_allclose(first, second, atol=1e-5)
    else:
        body.modifiers["Armature"].show_viewport = False
    shot = capture_shot(scene, SETTINGS)
    frames = rendered(shot.frame_numbers)
    assert_as_rendered(shot, frames)
