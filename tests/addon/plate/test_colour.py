"""A grey card through the whole loop: rendered, sent, painted by the model, imported, rendered again."""

from fractions import Fraction

import bpy
import numpy as np
import pytest

from isa_blender_addon import plate
from isa_engine.results.video import write_video
from tests.addon.plates import add_camera, render, shot_of
from tests.movies import read_video

SIZE = 32
# From black to beyond white, in light; the card of photographers in the middle.
GREYS = np.concatenate([[0, 0.18], np.geomspace(0.004, 4, 14)])


def stage_card(scene):
    """Patches of grey before a camera, each a flat light."""
    scene.render.resolution_x = scene.render.resolution_y = SIZE
    camera = add_camera(scene)
    camera.data.sensor_width, camera.data.lens = 36, 18
    for index, grey in enumerate(GREYS):
        place = ((index % 4) / 2 - 0.75, index // 4 / 2 - 0.75, -1)
        bpy.ops.mesh.primitive_plane_add(size=0.5, location=place)
        material = bpy.data.materials.new("Grey")
        material.use_nodes = True
        nodes = material.node_tree.nodes
        nodes.clear()
        light, out = nodes.new("ShaderNodeEmission"), nodes.new("ShaderNodeOutputMaterial")
        light.inputs["Color"].default_value = (grey, grey, grey, 1)
        material.node_tree.links.new(light.outputs[0], out.inputs[0])
        bpy.context.object.data.materials.append(material)


@pytest.mark.parametrize(
    ("display", "view"),
    [("sRGB", "Standard"), ("sRGB", "Filmic"), ("sRGB", "AgX"), ("Display P3", "Standard")],
)
@pytest.mark.parametrize("kind", ["PLANE", "STRIP", "COMPOSITOR"])
def test_a_grey_card_comes_back_within_an_8_bit_step(scene, tmp_path, display, view, kind):
    scene.display_settings.display_device = display
    scene.view_settings.view_transform = view
    scene.view_settings.exposure = 0.0 if kind == "STRIP" else 0.7
    stage_card(scene)
    card = render(scene, 1, tmp_path)
    assert np.ptp(card) > 200
    for item in [item for item in scene.objects if item.type == "MESH"]:
        bpy.data.objects.remove(item)
    # What the model paints is what it has seen.
    write_video(tmp_path / "plate.mp4", [card] * 3, Fraction(24), 1, {})
    write_video(tmp_path / "matte.mp4", [np.full_like(card, 255)] * 3, Fraction(24), 1, {})
    plate.import_plate(scene, tmp_path, shot_of([1, 2, 3]), {kind})
    scene.render.use_sequencer = True
    shown = render(scene, 2, tmp_path)
    # The codec blurs the patches' edges.
    inside = np.s_[3:-3:8, 3:-3:8]
    assert np.abs(shown[inside].astype(int) - card[inside]).max() <= 1
    assert plate.troubles(scene) == []


def test_behind_the_camera_the_movie_is_shown_past_the_view(scene, tmp_path):
    scene.view_settings.view_transform = "AgX"
    camera = add_camera(scene)
    write_video(tmp_path / "plate.mp4", [np.full((32, 32, 3), 120, np.uint8)], Fraction(24), 1, {})
    plate.import_plate(scene, tmp_path, shot_of([1]), {"BACKGROUND"})
    image = camera.data.background_images[0].image
    assert image.colorspace_settings.name == "sRGB"
    assert not image.use_view_as_render


def test_after_another_view_the_plate_is_read_anew_on_demand(scene, tmp_path):
    add_camera(scene)
    scene.view_settings.view_transform = "Standard"
    grey = np.full((SIZE, SIZE, 3), 120, np.uint8)
    for name in ("plate", "matte"):
        write_video(tmp_path / f"{name}.mp4", [grey] * 2, Fraction(24), 1, {})
    plate.import_plate(scene, tmp_path, shot_of([1, 2]), plate.KINDS)
    assert plate.fits_view(scene)
    scene.view_settings.view_transform = "AgX"
    assert not plate.fits_view(scene)
    plate.fit_view(scene)
    assert plate.fits_view(scene)
    assert len(read_video((tmp_path / "plate.mp4").read_bytes(), 2, (SIZE, SIZE))) == 2


def test_other_displays_have_inverses_of_their_own_or_it_is_said(scene, tmp_path):
    add_camera(scene)
    write_video(tmp_path / "plate.mp4", [np.full((32, 32, 3), 120, np.uint8)], Fraction(24), 1, {})
    plate.import_plate(scene, tmp_path, shot_of([1]), {"PLANE"})
    spaces = bpy.types.ColorManagedInputColorspaceSettings.bl_rna.properties["name"].enum_items.keys()
    for display in ("sRGB", "Display P3", "Rec.2020"):
        scene.display_settings.display_device = display
        for view, inverse in (("Standard", display), ("AgX", f"AgX Base {display}"), ("False Color", "")):
            scene.view_settings.view_transform = view
            plate.fit_view(scene)
            assert plate.fits_view(scene)
            (image,) = plate.camera_plane.plates(scene)
            troubles = plate.troubles(scene)
            if inverse in spaces:
                assert (image.colorspace_settings.name, troubles) == (inverse, [])
            else:
                assert f"the view transform “{view}” for “{display}”" in " ".join(troubles)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"view_transform": "Khronos PBR Neutral"}, "the view transform “Khronos PBR Neutral”"),
        ({"view_transform": "AgX", "look": "AgX - Punchy"}, "the look “AgX - Punchy”"),
        ({"gamma": 1.2}, "gamma"),
        ({"use_curve_mapping": True}, "curves"),
    ],
)
def test_what_shifts_the_colours_is_said(scene, tmp_path, change, sentence):
    add_camera(scene)
    write_video(tmp_path / "plate.mp4", [np.full((32, 32, 3), 120, np.uint8)], Fraction(24), 1, {})
    plate.import_plate(scene, tmp_path, shot_of([1]), {"PLANE"})
    for name, value in change.items():
        setattr(scene.view_settings, name, value)
    (trouble,) = plate.troubles(scene)
    assert sentence in trouble
