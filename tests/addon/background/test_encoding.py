"""The movie that is made of pictures or of footage."""

import bpy
import pytest

from isa_blender_addon.background.paint import encode
from tests.addon.plates import write_movie

pytestmark = pytest.mark.usefixtures("addon")


def test_a_movie_is_made_without_a_word_to_the_preferences(tmp_path):
    """Blender removes the wheels of extensions that are not enabled; by the factory's, none is."""
    write_movie(tmp_path / "footage.mp4", 3, 64, 64)
    inputs = bpy.context.preferences.inputs
    inputs.use_emulate_numpad = True
    try:
        job = {"size": (64, 64), "frame_shape": (64.0, 64.0), "out": str(tmp_path / "out.mp4")}
        encode(job, [str(tmp_path / "footage.mp4")], range(3))
        assert bpy.context.preferences.inputs.use_emulate_numpad
        assert (tmp_path / "out.mp4").stat().st_size
    finally:
        bpy.context.preferences.inputs.use_emulate_numpad = False
