"""Scenes whose unit is no metre: the shot is in metres, and shows what it showed."""

import bpy
import numpy as np
import pytest

from isa_blender_addon.matching.ghost import make_ghost
from isa_blender_addon.preflight import check_shot
from isa_blender_addon.preflight.size import check_size
from isa_blender_addon.settings.cast import references, refresh_cast
from isa_blender_addon.settings.shot import generation_settings
from isa_engine.geometry.ndc import project
from tests.addon.scenes.cast import add_person, random_motion, stage
from tests.addon.scenes.shot import capture_shot
from tests.pipeline.shots import picture


@pytest.fixture
def staged(scene, addon, tmp_path):
    """Anna under a moving camera, with a picture of its first frame."""
    stage(scene)
    (tmp_path / "anna.png").write_bytes(picture(320, 180))
    refresh_cast(scene)
    scene.isa.cast[0].picture = str(tmp_path / "anna.png")
    return scene


def read(scene):
    return capture_shot(scene, generation_settings(scene), references(scene))


def enlarge(scene, factor: float) -> None:
    """The same scene in a smaller unit: an empty over all of it is scaled."""
    empty = bpy.data.objects.new("All", None)
    empty.scale = (factor,) * 3
    scene.collection.objects.link(empty)
    for item in scene.objects:
        if item.parent is None and item != empty:
            item.parent = empty
    bpy.context.view_layer.update()


@pytest.mark.parametrize("unit", [0.01, 0.0254, 100.0])
@pytest.mark.parametrize("pose", ["FIRST", "MATCHED"])
def test_a_scene_in_another_unit_is_the_same_shot(staged, unit, pose):
    if pose == "MATCHED":
        staged.isa.cast[0].pose = pose
        make_ghost(staged, staged.isa.cast[0])
    wanted = read(staged)
    enlarge(staged, 1 / unit)
    staged.unit_settings.scale_length = unit
    found = read(staged)
    (anna,), (same,) = wanted.characters, found.characters
    np.testing.assert_allclose(same.points, anna.points, atol=2e-4)
    np.testing.assert_allclose(same.skeleton, anna.skeleton, atol=2e-4)
    np.testing.assert_allclose(found.camera_to_world, wanted.camera_to_world, atol=1e-4)
    before, after = (project(c.reference.points.astype(float), c.reference.mvp)[0] for c in (anna, same))
    np.testing.assert_allclose(after[:, :2], before[:, :2], atol=1e-4)
    assert check_size(found) == []


def test_a_unit_scale_that_nothing_was_modelled_by_is_let_be(staged):
    wanted = read(staged)
    staged.unit_settings.scale_length = 0.01
    found = read(staged)
    assert np.array_equal(found.characters[0].points, wanted.characters[0].points)
    assert np.array_equal(found.camera_to_world, wanted.camera_to_world)


def test_giants_of_no_known_unit_are_named_and_a_button_tells_the_unit(staged):
    wanted = read(staged)
    enlarge(staged, 100)
    (giant,) = check_size(read(staged))
    assert giant.serious
    mend = giant.mends[0]
    assert mend.values == {"factor": 0.01}
    assert bpy.ops.isa.scale_unit(**mend.values) == {"FINISHED"}
    found = read(staged)
    assert check_size(found) == []
    np.testing.assert_allclose(found.characters[0].points, wanted.characters[0].points, atol=2e-4)


def test_who_stand_in_each_other_are_moved_apart_in_a_scene_of_centimetres(staged):
    # Moved out of each other on some frames, they would be in each other on others.
    add_person("Ben", random_motion(seed=3))
    enlarge(staged, 100)
    staged.unit_settings.scale_length = 0.01
    refresh_cast(staged)
    (deep,) = [found for found in check_shot(read(staged)) if "inside each other" in found.sentence]
    assert bpy.ops.isa.move_apart(**deep.mends[0].values) == {"FINISHED"}
    bpy.context.view_layer.update()
    assert not [found for found in check_shot(read(staged)) if "inside each other" in found.sentence]
