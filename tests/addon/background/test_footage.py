"""Footage behind the people, frame by frame as the shot has it."""

from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest

from isa_blender_addon.session.current import session
from isa_engine.errors import SceneError
from tests.addon.background.making import leftovers, made, painted, scaled, shot_of, size_of
from tests.addon.plates import psnr, write_movie
from tests.movies import read_video

pytestmark = pytest.mark.usefixtures("addon")


@pytest.mark.parametrize("kind", ["movie", "sequence", "picture"])
def test_footage_is_cut_to_the_shots_frames(staged, tmp_path, kind):
    scene = staged
    scene.isa.background, scene.isa.footage_start = "FOOTAGE", -1
    source = write_movie(tmp_path / "footage.mp4", 9, 64, 64)
    if kind == "movie":
        scene.isa.footage = bpy.data.images.load(str(tmp_path / "footage.mp4"))
    else:
        for index, frame in enumerate(source):
            _save(frame, tmp_path / f"footage {index + 8:03}.png")
        scene.isa.footage = bpy.data.images.load(str(tmp_path / "footage 008.png"))
        scene.isa.footage.source = "SEQUENCE" if kind == "sequence" else "FILE"
    frames = painted(scene)
    expected = [source[0]] * 3 if kind == "picture" else [source[2], source[4], source[6]]
    width = frames.shape[2] // 2
    for found, wanted in zip(frames, expected, strict=True):
        # Cut above and below to fill the frame.
        crop = wanted[32 - 64 * 64 // 96 // 2 : 32 + 64 * 64 // 96 // 2]
        assert psnr(found.mean((0, 1)), crop.mean((0, 1))) > 30
        assert psnr(found[:, :width].mean((0, 1)), crop[:, :32].mean((0, 1))) > 30
    assert leftovers() == []


def test_footage_keeps_the_pixels_for_which_the_plate_has_room(staged, tmp_path):
    staged.isa.background, size = "FOOTAGE", (384, 256)
    # Stripes finer than a pixel of the canvas.
    stripes = np.zeros((size[1], size[0], 3), np.uint8)
    stripes[:, ::2] = 255
    _save(stripes, tmp_path / "stripes.png")
    staged.isa.footage = bpy.data.images.load(str(tmp_path / "stripes.png"))
    shot = shot_of(staged)
    shot = replace(shot, settings=replace(shot.settings, width=size[0] // 2, height=size[1] // 2))
    (coarse, none), (fine, neither) = (made(staged, scaled(shot, scale)) for scale in (1, 2))
    assert (size_of(coarse), size_of(fine), none, neither) == ((192, 128), size, None, None)
    assert psnr(read_video(fine, 1, size)[0], stripes) > 35
    assert read_video(coarse, 1, (192, 128)).std() < 10


def _save(frame: np.ndarray, path: Path) -> None:
    image = bpy.data.images.new("frame", frame.shape[1], frame.shape[0])
    pixels = np.concatenate([frame[::-1] / 255, np.ones((*frame.shape[:2], 1))], -1)
    image.pixels.foreach_set(pixels.astype(np.float32).ravel())
    image.filepath_raw, image.file_format = str(path), "PNG"
    image.save()
    bpy.data.images.remove(image)


def nothing_chosen(scene, _folder):
    scene.isa.footage = None


def gone(_scene, folder):
    (folder / "footage.mp4").unlink()


def too_short(scene, _folder):
    scene.frame_end = 30


def begins_late(scene, _folder):
    scene.isa.footage_start = 3


def made_in_blender(scene, _folder):
    scene.isa.footage = bpy.data.images.new("Generated", 8, 8)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (nothing_chosen, "No footage is chosen"),
        (gone, "footage is missing"),
        (too_short, r"The footage lasts from frame 1 to 9, the shot from 1 to 29 \(.*footage\.mp4\)"),
        (begins_late, "lasts from frame 3 to 11, the shot from 1 to 5"),
        (made_in_blender, "no movie and no picture file"),
    ],
)
def test_footage_that_cannot_be_used_is_said_before_anything_begins(staged, tmp_path, spoil, sentence):
    scene = staged
    write_movie(tmp_path / "footage.mp4", 9, 64, 64)
    scene.isa.background = "FOOTAGE"
    scene.isa.footage = bpy.data.images.load(str(tmp_path / "footage.mp4"))
    spoil(scene, tmp_path)
    with pytest.raises(RuntimeError, match=sentence):
        bpy.ops.isa.generate()
    assert not session().busy
    assert leftovers() == []


def test_footage_that_breaks_under_way_is_said_and_leaves_nothing(staged, tmp_path, monkeypatch):
    scene = staged
    write_movie(tmp_path / "footage.mp4", 9, 64, 64)
    scene.isa.background = "FOOTAGE"
    scene.isa.footage = bpy.data.images.load(str(tmp_path / "footage.mp4"))
    assert scene.isa.footage.frame_duration == 9
    shot = shot_of(scene)
    (tmp_path / "footage.mp4").write_bytes(b"no movie any more")
    monkeypatch.setattr("isa_blender_addon.background.recipe.footage_numbers", lambda *_: [0, 2, 4])
    with pytest.raises(SceneError, match="background cannot be made"):
        painted(scene, shot)
    assert leftovers() == []
