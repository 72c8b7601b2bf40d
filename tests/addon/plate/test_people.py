"""The people over the render: keyed by their matte, premultiplied, so that shadows stay shadows."""

from fractions import Fraction

import bpy
import numpy as np
import pytest

from isa_blender_addon.plate.people import GROUP, import_people, remove_people
from isa_engine.errors import SceneError
from isa_engine.results.video import write_video
from tests.addon.plates import add_camera, inventory, linear, pixels, render, write_movie

FRAME_NUMBERS = np.arange(7, 10)
SIZE = 48


@pytest.fixture
def take(tmp_path):
    """A plate and a matte, as they decode."""
    plate = write_movie(tmp_path / "plate.mp4", 3, SIZE, SIZE)
    matte = write_movie(tmp_path / "matte.mp4", 3, SIZE, SIZE, seed=5, grey=True)
    return tmp_path, plate, matte


def stage_shadow(scene, alpha: float):
    """A camera before a card that is nothing but a shadow: black, and half there."""
    scene.render.resolution_x = scene.render.resolution_y = SIZE
    scene.view_settings.view_transform = "Standard"
    scene.render.film_transparent = True
    camera = add_camera(scene)
    bpy.ops.mesh.primitive_plane_add(size=10, location=(0, 0, -2))
    material = bpy.data.materials.new("Shadow")
    material.use_nodes = True
    nodes = material.node_tree.nodes
    nodes.clear()
    mix, clear, black, out = (
        nodes.new(f"Shader{kind}")
        for kind in ("NodeMixShader", "NodeBsdfTransparent", "NodeEmission", "NodeOutputMaterial")
    )
    black.inputs["Strength"].default_value, mix.inputs[0].default_value = 0, alpha
    for source, target in ((clear, mix.inputs[1]), (black, mix.inputs[2]), (mix, out.inputs[0])):
        material.node_tree.links.new(source.outputs[0], target)
    bpy.context.object.data.materials.append(material)
    return camera


def composited(scene, frame: int, folder) -> np.ndarray:
    """The render's light and alpha as Blender writes them, premultiplied: ``(H, W, 4)``."""
    render(scene, frame, folder)
    settings = scene.render.image_settings
    settings.file_format, settings.color_mode, settings.color_depth = "OPEN_EXR", "RGBA", "32"
    bpy.data.images["Render Result"].save_render(str(folder / "light.exr"), scene=scene)
    return pixels(folder / "light.exr")


def test_people_and_shadows_add_up_as_light_does(scene, take):
    folder, plate, matte = take
    stage_shadow(scene, 0.5)
    scene.cycles.transparent_max_bounces = 8
    import_people(scene, folder / "plate.mp4", folder / "matte.mp4", FRAME_NUMBERS)
    scene.view_settings.exposure = 1.0
    # Many pixels: the shader chooses between shadow and nothing at random.
    for index in (0, 2):
        found = composited(scene, 7 + index, folder)
        key = matte[index].mean(-1, keepdims=True) / 255.0
        # The exposure brightens once more on the way to the screen.
        expected = key * linear(plate[index]) / 2
        assert np.abs(found[..., :3] - expected).max() < 0.02
        shadow = (found[..., 3:] - key) / np.maximum(1 - key, 1e-6)
        open_ground = key < 0.8
        assert np.abs(shadow[open_ground].mean() - 0.5) < 0.05


def test_the_compositor_is_as_before_when_the_people_go(scene, take):
    folder, *_ = take
    add_camera(scene)
    before = inventory()
    import_people(scene, folder / "plate.mp4", folder / "matte.mp4", FRAME_NUMBERS)
    assert inventory() != before
    remove_people(scene)
    assert inventory() == before
    if bpy.app.version < (5, 0):
        assert not scene.use_nodes


def compositor(scene):
    if bpy.app.version < (5, 0):
        scene.use_nodes = True
        return scene.node_tree
    tree = bpy.data.node_groups.new("Own", "CompositorNodeTree")
    tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    scene.compositing_node_group = tree
    tree.nodes.new("NodeGroupOutput")
    tree.nodes.new("CompositorNodeRLayers")
    return tree


def test_it_goes_behind_the_artists_own_nodes_and_they_stay(scene, take):
    folder, *_ = take
    tree = compositor(scene)
    output = next(node for node in tree.nodes if node.type in ("COMPOSITE", "GROUP_OUTPUT"))
    layers = next(node for node in tree.nodes if node.type == "R_LAYERS")
    blur = tree.nodes.new("CompositorNodeBlur")
    tree.links.new(layers.outputs["Image"], blur.inputs["Image"])
    tree.links.new(blur.outputs["Image"], output.inputs["Image"])
    node = import_people(scene, folder / "plate.mp4", folder / "matte.mp4", FRAME_NUMBERS)
    assert node.inputs["Image"].links[0].from_node == blur
    assert output.inputs["Image"].links[0].from_node == node
    remove_people(scene)
    assert output.inputs["Image"].links[0].from_node == blur


def test_another_take_goes_into_the_same_nodes(scene, take):
    folder, *_ = take
    node = import_people(scene, folder / "plate.mp4", folder / "matte.mp4", FRAME_NUMBERS)
    node.node_tree.nodes["Key"].label = "mine"
    node.mute = True
    before = inventory()
    for name in ("plate", "matte"):
        write_movie(folder / f"{name}2.mp4", 5, 32, 32)
    again = import_people(scene, folder / "plate2.mp4", folder / "matte2.mp4", FRAME_NUMBERS)
    assert again == node
    assert node.mute
    assert node.node_tree.nodes["Key"].label == "mine"
    plate, matte = (node.node_tree.nodes[name] for name in ("Plate", "Matte"))
    assert [item.image.filepath[-10:] for item in (plate, matte)] == ["plate2.mp4", "matte2.mp4"]
    assert plate.frame_duration == 5
    assert matte.image.colorspace_settings.name == "Non-Color"
    assert inventory() == before


def test_a_take_without_a_matte_is_refused_in_a_sentence(scene, take):
    folder, *_ = take
    (folder / "matte.mp4").unlink()
    with pytest.raises(SceneError, match="no matte beside the plate"):
        import_people(scene, folder / "plate.mp4", folder / "matte.mp4", FRAME_NUMBERS)
    assert GROUP not in bpy.data.node_groups


def test_at_the_frames_edges_the_people_are_as_inside(scene, tmp_path):
    """A plate of fewer pixels than the render is scaled, and whoever the frame cuts off reaches its edge."""
    scene.render.resolution_x, scene.render.resolution_y = 8 * SIZE, 6 * SIZE
    scene.view_settings.view_transform = "Standard"
    scene.render.film_transparent = True
    add_camera(scene)
    for name, grey in (("plate", 150), ("matte", 255)):
        write_video(
            tmp_path / f"{name}.mp4", [np.full((SIZE, SIZE, 3), grey, np.uint8)] * 3, Fraction(24), 1, {}
        )
    import_people(scene, tmp_path / "plate.mp4", tmp_path / "matte.mp4", FRAME_NUMBERS)
    found = composited(scene, 8, tmp_path)
    assert np.ptp(found[..., :3]) < 0.01
    assert found[..., 3].min() > 0.99
