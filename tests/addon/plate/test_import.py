"""A take into the scene, in every way at once: undone in one step, refused whole, its troubles said."""

import ctypes
import os
import struct
import sys
from types import SimpleNamespace
from unittest.mock import MagicMock

import bpy
import pytest

from isa_blender_addon import plate
from isa_blender_addon.plate import background_image, camera_plane, people, strip
from isa_blender_addon.ui.plate import ISA_PT_plate
from isa_engine.errors import SceneError
from isa_engine.shot import write_shot
from tests.addon.drawn import drawn
from tests.addon.plates import add_camera, inventory, shot_of, write_movie
from tests.addon.scenes.snapshot import snapshot
from tests.shot.shots import small_shot


@pytest.fixture
def take(tmp_path):
    write_movie(tmp_path / "plate.mp4", 4, 32, 32)
    write_movie(tmp_path / "matte.mp4", 4, 32, 32, grey=True)
    return tmp_path


def shown(scene) -> set[str]:
    ways = {
        "PLANE": camera_plane.media(scene),
        "BACKGROUND": background_image.media(scene),
        "STRIP": strip.plate_strip(scene),
        "COMPOSITOR": people.media(scene),
    }
    return {kind for kind, found in ways.items() if found}


@pytest.mark.parametrize("kinds", [plate.KINDS, ("PLANE",), ("STRIP", "COMPOSITOR"), ()])
def test_each_way_is_there_if_chosen_and_goes_if_not(scene, take, kinds):
    add_camera(scene)
    before = inventory()
    for chosen in (plate.KINDS, kinds):
        plate.import_plate(scene, take, shot_of(range(1, 5)), chosen)
        assert shown(scene) == set(chosen)
    plate.import_plate(scene, take, shot_of(range(1, 5)), ())
    assert inventory() == before


class Opened:
    """Counts how often a file was opened (inotify)."""

    def __init__(self, path):
        system = ctypes.CDLL(None)
        self._watch = system.inotify_init1(os.O_NONBLOCK)
        # With each closing between them, openings are not counted as one.
        self._opens, closes = 0x20, 0x8 | 0x10
        system.inotify_add_watch(self._watch, os.fsencode(path), self._opens | closes)

    def count(self) -> int:
        """Since the last time."""
        found = 0
        while True:
            try:
                events = os.read(self._watch, 2**16)
            except BlockingIOError:
                return found
            found += sum(bool(mask & self._opens) for _, mask, _, _ in struct.iter_unpack("iIII", events))


@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
def test_a_movie_is_opened_once_by_what_reads_it_itself_and_not_again_by_what_shows_it(scene, take):
    add_camera(scene)
    plate.open_movies(take)
    opened, counts = Opened(take / "plate.mp4"), {}
    for kind in plate.KINDS:
        plate.import_plate(scene, take, shot_of(range(1, 5)), (kind,))
        counts[kind] = opened.count()
    assert counts["STRIP"] == 1
    # Blender looks what kind of file an image is; its compositor also reads it.
    assert counts["PLANE"] == counts["BACKGROUND"] == counts["COMPOSITOR"] - 1


def test_the_plane_does_not_hide_the_render_that_the_people_are_laid_over(scene, take):
    add_camera(scene)
    for kinds, hidden in (({"PLANE"}, False), ({"PLANE", "COMPOSITOR"}, True), ({"PLANE"}, False)):
        plate.import_plate(scene, take, shot_of(range(1, 5)), kinds)
        (plane,) = camera_plane.planes(scene)
        assert plane.hide_render is hidden
        assert not plane.hide_viewport


def test_an_import_is_one_step_of_undo(addon, scene, take):
    write_shot(small_shot(), take / "shot.npz")
    add_camera(scene)
    scene.isa.plate = set(plate.KINDS)
    bpy.ops.ed.undo_push(message="staged")
    before = snapshot(), inventory()
    assert bpy.ops.isa.import_results(directory=str(take)) == {"FINISHED"}
    bpy.ops.ed.undo_push(message="imported")
    assert shown(bpy.context.scene) == set(plate.KINDS)
    bpy.ops.ed.undo()
    assert shown(bpy.context.scene) == set()
    assert (snapshot(), inventory()) == before


def test_matching_the_view_is_one_step_of_undo(addon, scene, take):
    add_camera(scene)
    plate.import_plate(scene, take, shot_of(range(1, 5)), plate.KINDS)
    scene.view_settings.view_transform = "Standard"
    bpy.ops.ed.undo_push(message="imported")
    assert bpy.ops.isa.fit_plate() == {"FINISHED"}
    bpy.ops.ed.undo_push(message="matched")
    assert plate.fits_view(bpy.context.scene)
    bpy.ops.ed.undo()
    assert not plate.fits_view(bpy.context.scene)


@pytest.mark.parametrize("lacks", ["camera", "matte", "plate"])
def test_what_cannot_be_shown_in_one_way_is_shown_in_none(scene, take, lacks):
    if lacks != "camera":
        add_camera(scene)
        (take / f"{lacks}.mp4").unlink()
    before = snapshot(), inventory()
    with pytest.raises(SceneError):
        plate.import_plate(scene, take, shot_of(range(1, 5)), plate.KINDS)
    assert (snapshot(), inventory()) == before


def test_a_plane_whose_camera_was_deleted_is_said_until_a_take_is_shown_again(scene, take):
    camera = add_camera(scene)
    plate.import_plate(scene, take, shot_of(range(1, 5)), {"PLANE"})
    bpy.data.objects.remove(camera)
    (trouble,) = plate.troubles(scene)
    assert "its plane 'ISA Plate Camera' is left behind" in trouble
    add_camera(scene)
    plate.import_plate(scene, take, shot_of(range(1, 5)), {"PLANE"})
    assert plate.troubles(scene) == []
    assert len(plate.camera_plane.planes(scene)) == 1


def test_markers_that_cut_otherwise_than_the_plate_are_said_until_they_are_back(scene, take):
    marked = {name: add_camera(scene, name) for name in ("A", "B")}
    markers = {name: scene.timeline_markers.new(name, frame=frame) for name, frame in (("A", 1), ("B", 5))}
    for name, marker in markers.items():
        marker.camera = marked[name]
    numbers = range(1, 9, 2)
    plate.import_plate(scene, take, shot_of(numbers, cuts=(2,)), {"PLANE"})
    assert plate.troubles(scene) == []
    # Between two frames of the plate it cuts where it did.
    markers["B"].frame = 4
    assert plate.troubles(scene) == []
    markers["B"].frame = 7
    for _ in range(2):
        (trouble,) = plate.troubles(scene)
        assert trouble.startswith("The plate cuts at frame 5, and the scene's markers at frame 7:")
        # Shown once more it is the same plate.
        plate.import_plate(scene, take, shot_of(numbers, cuts=(2,)), {"PLANE"})
    markers["B"].frame = 5
    (trouble,) = plate.troubles(scene)
    assert "show the take again" in trouble
    plate.import_plate(scene, take, shot_of(numbers, cuts=(2,)), {"PLANE"})
    assert plate.troubles(scene) == []
    scene.timeline_markers.clear()
    assert "the scene's markers at no frame:" in plate.troubles(scene)[0]
    # Takes of earlier versions do not tell.
    plate.import_plate(scene, take, shot_of(numbers, cuts=None), {"PLANE"})
    assert plate.troubles(scene) == []
    plate.import_plate(scene, take, shot_of(numbers, cuts=(2,)), ())
    assert "isa_plate_cuts" not in scene


def test_a_missing_movie_stereo_and_a_compositor_that_is_off_are_said(addon, scene, take):
    add_camera(scene)
    header = SimpleNamespace(layout=MagicMock())
    plate.import_plate(scene, take, shot_of(range(1, 5)), plate.KINDS)
    assert plate.troubles(scene) == []
    ISA_PT_plate.draw_header(header, bpy.context)
    header.layout.label.assert_not_called()
    scene.render.use_multiview = True
    scene.render.use_compositing = False
    scene.render.use_border = scene.render.use_crop_to_border = True
    (take / "matte.mp4").unlink()
    ISA_PT_plate.draw_header(header, bpy.context)
    header.layout.label.assert_called_once_with(icon="ERROR")
    said = " ".join(plate.troubles(scene))
    assert "renders in stereo" in " ".join(drawn(ISA_PT_plate))
    for word in (f"missing: {take / 'matte.mp4'}", "stereo", "cropped to its region", "Compositing is off"):
        assert word in said


def test_the_plates_pixels_are_said_beside_the_renders(addon, scene, take):
    add_camera(scene)
    scene.render.resolution_x, scene.render.resolution_y = 640, 360
    for kind in plate.KINDS:
        plate.import_plate(scene, take, shot_of(range(1, 5)), (kind,))
        assert "32×32 pixels, stretched over 640×360" in drawn(ISA_PT_plate)
    (take / "plate.mp4").unlink()
    assert not [text for text in drawn(ISA_PT_plate) if "stretched" in text]


def test_a_scene_without_a_plate_has_no_troubles_with_it(scene):
    scene.render.use_multiview = True
    scene.view_settings.gamma = 2
    assert plate.troubles(scene) == []
    assert plate.fits_view(scene)


def test_each_plane_has_its_distance_beside_its_cameras_whole_name(addon, scene, take):
    camera = add_camera(scene, "Crane over the market square")
    plate.import_plate(scene, take, shot_of(range(1, 5)), ("PLANE",))
    layout = MagicMock()
    layout.column.return_value = layout
    ISA_PT_plate.draw(SimpleNamespace(layout=layout), bpy.context)
    (call,) = layout.prop.call_args_list
    (plane,) = camera_plane.planes(scene)
    assert call.args == (plane, f'["{camera_plane.DEPTH}"]')
    assert call.kwargs["text"] == camera.name
