"""The plate in the Sequencer: on the shot's frames, above what is there, without taking renders over."""

import bpy
import numpy as np
import pytest

from isa_blender_addon.plate.strip import import_strip, plate_strip, remove_strip
from isa_engine.errors import SceneError
from tests.addon.plates import psnr, render, write_movie

FRAME_NUMBERS = np.arange(7, 12)


@pytest.fixture
def movie(tmp_path):
    write_movie(tmp_path / "plate.mp4", 5, 32, 32)
    return tmp_path / "plate.mp4"


def strips(scene):
    editor = scene.sequence_editor
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def test_its_frames_are_the_shots_frames(scene, movie, tmp_path):
    scene.view_settings.view_transform = "Standard"
    scene.render.resolution_x = scene.render.resolution_y = 32
    frames = write_movie(movie, 5, 32, 32)
    strip = import_strip(scene, movie, FRAME_NUMBERS)
    assert (strip.frame_final_start, strip.frame_final_end) == (7, 12)
    scene.render.use_sequencer = True
    for index in (0, 4):
        picture = render(scene, 7 + index, tmp_path)
        scores = [psnr(picture, frame) for frame in frames]
        assert np.argmax(scores) == index
        assert scores[index] > 40


def test_it_lies_above_what_is_there(scene, movie):
    scene.sequence_editor_create()
    strips(scene).new_effect("a", "COLOR", 3, 1, **_length(20))
    strips(scene).new_effect("b", "COLOR", 8, 100, **_length(20))
    assert import_strip(scene, movie, FRAME_NUMBERS).channel == 4
    assert scene.render.use_sequencer


def _length(frames: int) -> dict[str, int]:
    return {"length": frames} if bpy.app.version >= (5, 0) else {"frame_end": 100 + frames}


def test_an_empty_sequencer_does_not_begin_to_render(scene, movie):
    import_strip(scene, movie, FRAME_NUMBERS)
    assert not scene.render.use_sequencer
    remove_strip(scene)
    assert scene.render.use_sequencer
    assert not len(strips(scene))


def test_another_take_goes_into_the_same_strip(scene, movie, tmp_path):
    scene.render.resolution_x, scene.render.resolution_y = 96, 64
    strip = import_strip(scene, movie, FRAME_NUMBERS)
    assert (strip.transform.scale_x, strip.transform.scale_y) == (3, 2)
    strip.frame_offset_start = 1
    write_movie(tmp_path / "second.mp4", 9, 48, 32)
    again = import_strip(scene, tmp_path / "second.mp4", np.arange(7, 16))
    assert again == strip == plate_strip(scene)
    assert strip.filepath.endswith("second.mp4")
    assert (strip.frame_final_start, strip.frame_final_end) == (8, 16)
    assert (strip.transform.scale_x, strip.transform.scale_y) == pytest.approx((2, 2))


def test_a_missing_movie_is_said_and_changes_nothing(scene, tmp_path):
    with pytest.raises(SceneError, match="missing"):
        import_strip(scene, tmp_path / "gone.mp4", FRAME_NUMBERS)
    assert plate_strip(scene) is None
