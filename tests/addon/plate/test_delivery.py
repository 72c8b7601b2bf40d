"""What the engine delivers with alpha is what Blender shows of it."""

import bpy
import numpy as np
import pytest

from isa_engine.results.delivery import deliver, people
from tests.addon.plates import linear, pixels, write_movie


@pytest.fixture
def results(tmp_path):
    write_movie(tmp_path / "plate.mp4", 3, 48, 32)
    write_movie(tmp_path / "matte.mp4", 3, 48, 32, seed=5, grey=True)
    return tmp_path


def test_an_exr_is_premultiplied_light(scene, results):
    first = next(people(results))
    found = pixels(sorted(deliver(results, "exr").iterdir())[0])
    alpha = first[..., 3:] / 255
    np.testing.assert_allclose(found[..., 3:], alpha, atol=1e-3)
    np.testing.assert_allclose(found[..., :3], linear(first[..., :3]) * alpha, atol=2e-3)


def test_a_prores_movie_is_a_movie_with_alpha(scene, results):
    image = bpy.data.images.load(str(deliver(results, "prores")))
    image.colorspace_settings.name, image.alpha_mode = "Non-Color", "CHANNEL_PACKED"
    assert (image.source, image.frame_duration) == ("MOVIE", 3)
    flat = np.empty(4 * 48 * 32, np.float32)
    image.pixels.foreach_get(flat)
    found = flat.reshape(32, 48, 4)[::-1] * 255
    expected = next(people(results))
    assert np.abs(found[..., 3] - expected[..., 3]).max() <= 2
    assert np.abs(found[..., :3] - expected[..., :3]).mean() < 2
