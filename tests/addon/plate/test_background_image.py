"""The plate as the camera's background: the same mapping, by Blender's own means."""

import bpy
import numpy as np
import pytest

from isa_blender_addon import plate
from isa_blender_addon.plate import background_image, camera_plane
from isa_blender_addon.plate.background_image import import_background
from tests.addon.plates import add_camera, inventory, shot_of, write_movie

FRAME_NUMBERS = np.arange(7, 16)


@pytest.fixture
def movie(tmp_path):
    write_movie(tmp_path / "plate.mp4", 9, 32, 32)
    return tmp_path / "plate.mp4"


def test_it_fills_the_frame_from_the_shots_first_frame(scene, movie):
    camera = add_camera(scene)
    (background,) = import_background(scene, movie, FRAME_NUMBERS)
    assert camera.data.show_background_images
    assert background.frame_method == "STRETCH"
    assert background.image.source == "MOVIE"
    assert (background.image_user.frame_start, background.image_user.frame_duration) == (7, 9)
    assert background.image_user.frame_offset == 0


def test_importing_twice_replaces_ours_and_leaves_the_artists(scene, movie):
    camera = add_camera(scene)
    own = camera.data.background_images.new()
    own.image = bpy.data.images.new("own", 8, 8)
    import_background(scene, movie, FRAME_NUMBERS)
    before = inventory()
    import_background(scene, movie, FRAME_NUMBERS)
    assert len(camera.data.background_images) == 2
    assert camera.data.background_images[0].image.name == "own"
    assert {kind: len(names) for kind, names in inventory().items()} == {k: len(n) for k, n in before.items()}


def test_each_camera_of_the_shot_gets_it(scene, movie):
    for name, frame in (("A", 7), ("B", 10)):
        scene.timeline_markers.new(name, frame=frame).camera = add_camera(scene, name)
    unused = add_camera(scene, "C")
    assert len(import_background(scene, movie, FRAME_NUMBERS)) == 2
    assert not unused.data.background_images


def test_through_a_linked_camera_the_plate_shows_on_its_plane(scene, tmp_path):
    library = tmp_path / "library.blend"
    camera = add_camera(scene, "Hero")
    bpy.data.libraries.write(str(library), {camera})
    bpy.data.objects.remove(camera)
    with bpy.data.libraries.load(str(library), link=True) as (_, target):
        target.objects = ["Hero"]
    scene.collection.objects.link(target.objects[0])
    scene.camera = target.objects[0]
    write_movie(tmp_path / "plate.mp4", 4, 32, 32)
    plate.import_plate(scene, tmp_path, shot_of(range(1, 5)), {"BACKGROUND"})
    assert not background_image.media(scene)
    assert camera_plane.planes(scene)
    assert "Camera 'Hero' is linked from another file, and cannot hold the plate: its plane shows it." in (
        plate.troubles(scene)
    )
