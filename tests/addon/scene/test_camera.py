"""The camera, against Blender's own word: its projection, its pick of markers, its renderer."""

from itertools import groupby

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mathutils import Euler, Vector

from isa_blender_addon.scene.camera import (
    camera_at,
    camera_to_world,
    evaluated_camera,
    intrinsics,
    pieces,
)
from isa_blender_addon.scene.timeline import view_layer
from isa_engine.errors import SceneError
from isa_engine.geometry.camera import modelview_projection
from isa_engine.geometry.ndc import latent_pixels, project


def add_camera(scene, name="Camera"):
    camera = bpy.data.objects.new(name, bpy.data.cameras.new(name))
    scene.collection.objects.link(camera)
    return camera


def look(scene, frame):
    """The mvp of a frame, read as the capture reads it."""
    scene.frame_set(frame)
    camera = evaluated_camera(scene, frame)
    return modelview_projection(intrinsics(camera, scene), camera_to_world(camera))


def reusing_the_scene(examples):
    return settings(
        deadline=None,
        derandomize=True,
        max_examples=examples,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )


def emptied(scene):
    bpy.data.batch_remove([*bpy.data.objects, *bpy.data.cameras, *bpy.data.actions])
    scene.timeline_markers.clear()
    return scene


angles = st.floats(-3, 3)
vectors = st.tuples(*[st.floats(-5, 5)] * 3)


@reusing_the_scene(60)
@given(
    lens=st.floats(12, 120),
    sensor=st.tuples(st.floats(16, 40), st.floats(16, 40)),
    fit=st.sampled_from(["AUTO", "HORIZONTAL", "VERTICAL"]),
    shift=st.tuples(st.floats(-0.7, 0.7), st.floats(-0.7, 0.7)),
    aspect=st.tuples(st.floats(1, 2), st.floats(1, 2)),
    # Of these sizes every percentage is whole; world_to_camera_view does not round as the renderer does.
    size=st.tuples(st.sampled_from([400, 800, 1000, 1900]), st.sampled_from([500, 700, 1100, 2000])),
    percentage=st.integers(10, 200),
    place=vectors,
    turn=st.tuples(angles, angles, angles),
    scale=st.tuples(*[st.floats(0.2, 4)] * 3),
    parent=st.tuples(vectors, st.tuples(angles, angles, angles), st.floats(0.3, 3)),
    frame=st.integers(1, 20),
)
def test_projection_equals_blenders(
    scene, lens, sensor, fit, shift, aspect, size, percentage, place, turn, scale, parent, frame
):
    emptied(scene)
    scene.camera = camera = add_camera(scene)
    data, render = camera.data, scene.render
    data.sensor_width, data.sensor_height, data.sensor_fit = *sensor, fit
    data.shift_x, data.shift_y = shift
    render.pixel_aspect_x, render.pixel_aspect_y = aspect
    render.resolution_x, render.resolution_y, render.resolution_percentage = *size, percentage
    data.lens = lens
    data.keyframe_insert("lens", frame=1)
    data.lens = lens * 1.7
    data.keyframe_insert("lens", frame=20)
    camera.location, camera.rotation_euler, camera.scale = place, turn, scale
    camera.keyframe_insert("location", frame=1)
    camera.location.x += 3
    camera.keyframe_insert("location", frame=20)
    camera.parent = bpy.data.objects.new("Crane", None)
    scene.collection.objects.link(camera.parent)
    camera.parent.location, camera.parent.rotation_euler = parent[0], parent[1]
    camera.parent.scale = [parent[2]] * 3

    mvp = look(scene, frame)
    evaluated = camera.evaluated_get(view_layer(scene).depsgraph)
    rigid = evaluated.matrix_world.normalized()
    points = np.array([rigid @ Vector(p) for p in [(0, 0, -2), (1, 0.5, -4), (-2, 1, -6), (0.3, -2, -3)]])
    ndc, in_front = project(points, mvp)
    theirs = np.array([world_to_camera_view(scene, evaluated, Vector(p)) for p in points])
    assert in_front.all()
    # In units of the frame. Blender's numbers are single: their last digit as the lens enlarges it,
    # relative where a shift throws a point far outside.
    places = [*points.ravel(), *evaluated.matrix_world.translation]
    digit = np.spacing(np.float32(np.abs(places).max()))
    seen = np.maximum(np.array(intrinsics(evaluated, scene)[:2]) / 2 / theirs[:, 2:], 1)
    ours = (ndc[:, :2] + 1) / 2
    assert (np.abs(ours - theirs[:, :2]) <= 4 * digit * seen * np.maximum(1, np.abs(theirs[:, :2]))).all()


@reusing_the_scene(60)
@given(
    markers=st.lists(st.tuples(st.integers(1, 9), st.sampled_from([0, 1, 2, None])), max_size=6),
    hidden=st.sampled_from([None, 0, 1, 2]),
    stretched=st.sampled_from([(100, 100), (100, 200), (100, 33), (90, 70)]),
    first=st.integers(0, 5),
    step=st.integers(1, 3),
)
def test_marker_cameras_are_those_that_blender_picks(scene, markers, hidden, stretched, first, step):
    emptied(scene)
    scene.render.frame_map_old, scene.render.frame_map_new = stretched
    cameras = [add_camera(scene, f"Camera {n}") for n in range(3)]
    scene.camera = add_camera(scene, "Main")
    if hidden is not None:
        cameras[hidden].hide_render = True
    for at, which in markers:
        marker = scene.timeline_markers.new(f"{at}", frame=at)
        marker.camera = None if which is None else cameras[which]
    for frame in range(11):
        predicted = camera_at(scene, frame)
        scene.frame_set(frame)
        assert predicted == scene.camera
    scene.frame_start, scene.frame_end, scene.frame_step = first, first + 9, step
    shown = [camera_at(scene, frame) for frame in range(first, first + 10, step)]
    assert pieces(scene) == [len(list(same)) for _, same in groupby(shown)]


def test_a_dot_on_a_surface_point_shows_at_its_latent_pixel(scene):
    """Rendered by Cycles: the brightest pixel is the one whose NDC is nearest to the point's."""
    width, height = 48, 32
    scene.render.resolution_x, scene.render.resolution_y = width, height
    scene.render.pixel_aspect_y = 1.3
    scene.render.engine, scene.cycles.samples, scene.cycles.device = "CYCLES", 4, "CPU"
    scene.cycles.use_denoising, scene.cycles.pixel_filter_type = False, "BOX"
    scene.render.use_compositing = scene.render.use_sequencer = False
    scene.camera = camera = add_camera(scene)
    camera.location, camera.rotation_euler = (1, -6, 2), Euler((1.3, 0.1, 0.15))
    camera.data.shift_x, camera.data.shift_y = 0.1, -0.15
    bpy.ops.mesh.primitive_ico_sphere_add(radius=0.03, subdivisions=2)
    dot = bpy.context.object
    glow = bpy.data.materials.new("Glow")
    glow.use_nodes = True
    emission = glow.node_tree.nodes.new("ShaderNodeEmission")
    emission.inputs["Strength"].default_value = 100
    output = glow.node_tree.nodes["Material Output"]
    glow.node_tree.links.new(emission.outputs[0], output.inputs["Surface"])
    dot.data.materials.append(glow)

    mvp = look(scene, 1)
    grid = latent_pixels(height, width)
    # A dot in the middle of a pixel, off the picture's axes: flipped or shifted by one, it is another's.
    for row, column in ((5, 9), (24, 40), (11, 30)):
        target = grid[row, column, :2]
        inverse = np.linalg.inv(mvp)
        near, far = (inverse @ [*target, z, 1] for z in (-0.99, 0.99))
        near, far = near[:3] / near[3], far[:3] / far[3]
        point = near + (far - near) * 5.5 / np.linalg.norm(far - near)
        dot.location = point
        np.testing.assert_allclose(project(point[None], mvp)[0][0, :2], target, atol=1e-6)
        assert brightest_pixel(scene) == (row, column)


def brightest_pixel(scene):
    """(row from the top, column) of a render."""
    path = bpy.app.tempdir + "dot.png"
    scene.render.filepath = path
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(path, check_existing=False)
    pixels = np.array(image.pixels[:]).reshape(image.size[1], image.size[0], 4)[::-1, :, :3].sum(-1)
    bpy.data.images.remove(image)
    return tuple(int(i) for i in np.unravel_index(pixels.argmax(), pixels.shape))


def test_no_camera_is_a_sentence(scene):
    with pytest.raises(SceneError, match=r"^there is no active camera in scene 'Scene'\. Add one"):
        camera_at(scene, 1)


def test_a_light_as_camera_is_a_sentence(scene):
    scene.camera = bpy.data.objects.new("Lamp", bpy.data.lights.new("Lamp", "SPOT"))
    scene.collection.objects.link(scene.camera)
    with pytest.raises(SceneError, match=r"^'Lamp', the active camera .*, is not a camera"):
        camera_at(scene, 1)


@pytest.mark.parametrize(("kind", "word"), [("ORTHO", "orthographic"), ("PANO", "panoramic")])
def test_only_perspective_cameras_are_taken(scene, kind, word):
    scene.camera = add_camera(scene)
    scene.camera.data.type = kind
    with pytest.raises(SceneError, match=rf"the camera is {word} \(camera 'Camera'\)\. Set its lens type"):
        look(scene, 1)


def test_a_mirrored_camera_is_a_sentence(scene):
    scene.camera = add_camera(scene)
    scene.camera.scale.x = -1
    with pytest.raises(SceneError, match=r"mirrors or shears it \(camera '.*'\)\. Apply the scale"):
        look(scene, 1)


def test_a_camera_of_no_size_is_a_sentence(scene):
    scene.camera = camera = add_camera(scene)
    camera.scale = (0, 0, 0)
    scene.frame_set(1)
    with pytest.raises(SceneError, match=r"the camera's scale is zero \(camera 'Camera'\)"):
        camera_to_world(evaluated_camera(scene, 1))


def test_a_camera_whose_library_is_missing_is_a_sentence(scene, tmp_path):
    library = tmp_path / "layout.blend"
    bpy.data.libraries.write(str(library), {add_camera(scene, "Hero")})
    bpy.data.objects.remove(bpy.data.objects["Hero"])
    with bpy.data.libraries.load(str(library), link=True) as (_, target):
        target.objects = ["Hero"]
    scene.collection.objects.link(target.objects[0])
    scene.camera = target.objects[0]
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    library.unlink()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    with pytest.raises(
        SceneError, match=r"camera 'Hero' of scene 'Scene' is missing from its library '.*layout\.blend'"
    ):
        camera_at(bpy.context.scene, 1)


def test_a_camera_outside_the_view_layer_is_a_sentence(scene):
    scene.camera = add_camera(scene)
    scene.collection.objects.unlink(scene.camera)
    with pytest.raises(SceneError, match="'Camera' is not in view layer"):
        look(scene, 1)
