"""A plate is seen where one works: the camera's view, its row of three, and how it comes back, at once."""

import bpy
import pytest

from isa_blender_addon.blender.window import look_at_plate, look_through_camera
from isa_blender_addon.plate.background_image import backgrounds
from isa_blender_addon.plate.camera_plane import plate_collection
from isa_blender_addon.session.current import session
from isa_blender_addon.takes.shown import show_results
from isa_engine.shot import write_shot
from tests.addon.plate.test_import import shown
from tests.addon.plates import add_camera, write_movie
from tests.addon.scenes.cast import add_person
from tests.shot.shots import small_shot


@pytest.fixture
def viewport(scene, addon):
    """A 3D viewport that looks at the scene from the side."""
    add_camera(scene)
    window = bpy.context.window_manager.windows[0]
    window.scene = scene
    area = max(window.screen.areas, key=lambda area: area.width * area.height)
    area.type = "VIEW_3D"
    area.spaces.active.region_3d.view_perspective = "PERSP"
    return area.spaces.active


@pytest.fixture
def taken(viewport, scene, tmp_path):
    """The scene with a plate."""
    for name in ("plate", "matte"):
        write_movie(tmp_path / f"{name}.mp4", 4, 32, 32)
    write_shot(small_shot(), tmp_path / "shot.npz")
    show_results(scene, tmp_path)
    return scene


def seen(scene) -> tuple:
    """Of the plate: whether its image shows, its opacity, and whether its planes show in viewports."""
    (image,) = backgrounds(scene)
    assert image.display_depth == "FRONT"
    return image.show_background_image, round(image.alpha, 3), not plate_collection(scene).hide_viewport


def test_the_row_of_three_shows_stage_plate_or_both(taken):
    assert seen(taken) == (True, 1.0, True)
    taken.isa.view = "STAGE"
    assert not seen(taken)[0]
    assert not seen(taken)[2]
    taken.isa.view = "BOTH"
    assert seen(taken) == (True, 0.5, False)
    taken.isa.opacity = 0.2
    assert seen(taken) == (True, 0.2, False)
    taken.isa.view = "PLATE"
    assert seen(taken) == (True, 1.0, True)


def test_another_take_is_seen_as_the_one_before(taken, tmp_path):
    taken.isa.view, taken.isa.opacity = "BOTH", 0.3
    taken.isa.plate = {"BACKGROUND"}
    taken.isa.plate = {"BACKGROUND", "PLANE"}
    assert seen(taken) == (True, 0.3, False)


def test_a_render_is_the_same_in_every_view(taken):
    (plane,) = plate_collection(taken).objects
    for view in ("STAGE", "PLATE", "BOTH"):
        taken.isa.view = view
        assert (plane.hide_render, plate_collection(taken).hide_render) == (False, False)


def test_how_the_plate_comes_back_applies_at_once(taken):
    for kinds in ({"STRIP"}, {"PLANE", "COMPOSITOR"}, set(), {"BACKGROUND"}):
        taken.isa.plate = kinds
        assert shown(taken) == kinds


def test_what_cannot_be_shown_so_is_said_and_stays_as_it_was(taken, tmp_path):
    (tmp_path / "matte.mp4").unlink()
    taken.isa.plate = {"COMPOSITOR"}
    assert "no matte beside the plate" in session().trouble
    assert shown(taken) == {"PLANE", "BACKGROUND"}


def test_without_a_plate_the_settings_change_nothing(viewport, scene):
    scene.isa.plate, scene.isa.view = {"STRIP"}, "STAGE"
    assert shown(scene) == set()


def test_a_plate_that_comes_is_looked_at_through_the_camera(viewport, taken):
    taken.isa.view = "STAGE"
    look_at_plate(taken)
    assert viewport.region_3d.view_perspective == "CAMERA"
    assert seen(taken) == (True, 1.0, True)
    taken.isa.view = "BOTH"
    look_at_plate(taken)
    assert taken.isa.view == "BOTH"


def pose(viewport) -> None:
    add_person("Anna")
    bpy.ops.object.mode_set(mode="POSE")


def match(viewport) -> None:
    viewport.use_local_camera = True


def work_elsewhere(viewport) -> None:
    bpy.context.window_manager.windows[0].scene = bpy.data.scenes.new("Other")


@pytest.mark.parametrize("work", [pose, match, work_elsewhere])
def test_nobody_is_taken_away_from_what_they_are_doing(viewport, scene, work):
    work(viewport)
    look_through_camera(scene)
    assert viewport.region_3d.view_perspective == "PERSP"
