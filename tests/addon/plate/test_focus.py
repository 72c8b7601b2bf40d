"""Depth of field blurs a plane right before the camera: it is said, and what is said mends it."""

import re

import bpy
import pytest

from isa_blender_addon import plate
from isa_blender_addon.plate.camera_plane import DEPTH, planes
from tests.addon.plates import add_camera, pixels, psnr, render, shot_of, write_movie

SIZE = 48


@pytest.fixture
def shown(scene, tmp_path):
    """A scene with a plate, and the plate's frames."""
    scene.render.resolution_x = scene.render.resolution_y = SIZE
    scene.view_settings.view_transform = "Standard"
    add_camera(scene)
    frames = write_movie(tmp_path / "plate.mp4", 3, SIZE, SIZE)
    write_movie(tmp_path / "matte.mp4", 3, SIZE, SIZE, grey=True)
    plate.import_plate(scene, tmp_path, shot_of([1, 2, 3]), {"PLANE"})
    return scene, frames


def rendered(scene, tmp_path):
    """Of many samples: rays through a lens go everywhere."""
    render(scene, 2, tmp_path)
    scene.cycles.samples = 64
    bpy.ops.render.render(write_still=True)
    return (pixels(tmp_path / "2.png")[..., :3] * 255).round()


@pytest.mark.parametrize("target", [False, True])
def test_a_plate_out_of_focus_is_said_and_the_distance_that_is_said_is_sharp(shown, tmp_path, target):
    scene, frames = shown
    (plane,) = planes(scene)
    dof = scene.camera.data.dof
    assert plate.troubles(scene) == []
    dof.use_dof, dof.aperture_fstop, dof.focus_distance = True, 2.8, 5.0
    if target:
        # What is focused on is beside the camera's axis.
        dof.focus_object = bpy.data.objects.new("Focus", None)
        scene.collection.objects.link(dof.focus_object)
        dof.focus_object.location = 2, 1, -3.5
        bpy.context.view_layer.update()
    assert psnr(rendered(scene, tmp_path), frames[1]) < 25
    (trouble,) = plate.troubles(scene)
    assert "Depth of field of camera “Camera” blurs the plate" in trouble
    plane[DEPTH] = float(re.search(r"Distance to ([\d.]+)\.$", trouble).group(1))
    plane.update_tag()
    assert plane[DEPTH] == (3.5 if target else 5.0)
    assert psnr(rendered(scene, tmp_path), frames[1]) > 40
    assert plate.troubles(scene) == []


def test_a_lens_that_is_nearly_closed_and_people_over_the_render_are_no_trouble(shown, tmp_path):
    scene, frames = shown
    dof = scene.camera.data.dof
    dof.use_dof, dof.aperture_fstop = True, 800.0
    assert plate.troubles(scene) == []
    assert psnr(rendered(scene, tmp_path), frames[1]) > 35
    dof.aperture_fstop = 1.4
    assert plate.troubles(scene)
    plate.import_plate(scene, tmp_path, shot_of([1, 2, 3]), {"PLANE", "COMPOSITOR"})
    assert plate.troubles(scene) == []
