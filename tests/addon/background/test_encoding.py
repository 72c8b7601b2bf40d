"""The movie that is made of pictures or of footage."""

import os

import bpy
import numpy as np
import pytest
from PIL import Image

from isa_blender_addon.background.program.movie import encode
from isa_blender_addon.background.program.recipe import Recipe
from tests.addon.plates import psnr, write_movie
from tests.movies import read_video

pytestmark = pytest.mark.usefixtures("addon")


def test_a_movie_is_made_without_a_word_to_the_preferences(tmp_path):
    """Blender removes the wheels of extensions that are not enabled; by the factory's, none is."""
    write_movie(tmp_path / "footage.mp4", 3, 64, 64)
    inputs = bpy.context.preferences.inputs
    inputs.use_emulate_numpad = True
    try:
        files = [str(tmp_path / "footage.mp4")]
        encode(Recipe(str(tmp_path / "out.mp4"), (64, 64), (64.0, 64.0), range(3), files))
        assert bpy.context.preferences.inputs.use_emulate_numpad
        assert (tmp_path / "out.mp4").stat().st_size
    finally:
        bpy.context.preferences.inputs.use_emulate_numpad = False


@pytest.mark.skipif(
    len(getattr(os, "sched_getaffinity", lambda _: ())(0)) < 2, reason="one processor cannot be two"
)
@pytest.mark.xfail(bpy.app.version < (4, 3), reason="x264 in 4.2 decides by the number of its threads")
def test_a_movie_shows_the_same_on_however_many_processors_and_at_each_run(tmp_path):
    """Other pixels would make another shot of the same scene."""
    # A wall before a camera that shakes.
    grey = np.random.default_rng(0).integers(0, 256, (30, 40)).astype(np.uint8)
    wall, files = Image.fromarray(grey).resize((320, 240), Image.Resampling.BICUBIC).convert("RGB"), []
    for index in range(24):
        x, y = int(20 + 20 * np.sin(index)), int(20 + 20 * np.cos(index))
        files.append(tmp_path / f"{index:05}.png")
        wall.crop((x, y, x + 96, y + 64)).save(files[-1])
    whole = os.sched_getaffinity(0)

    shown = [str(file) for file in files]
    recipe = Recipe(str(tmp_path / "out.mp4"), (96, 64), (96.0, 64.0), range(24), shown)

    def made(processors) -> bytes:
        os.sched_setaffinity(0, processors)
        try:
            encode(recipe)
        finally:
            os.sched_setaffinity(0, whole)
        return (tmp_path / "out.mp4").read_bytes()

    movie = made(whole)
    assert all(made(whole) == movie for _ in range(5))
    # The bytes tell the number of threads.
    alone, together = (read_video(each, 24, (96, 64)) for each in (made({min(whole)}), movie))
    assert np.array_equal(alone, together)
    assert psnr(together, np.stack([np.array(Image.open(file)) for file in files])) > 38
