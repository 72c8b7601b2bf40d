"""A plate of fewer pixels than the render lies where it should, to a small part of a pixel, edges and all."""

from fractions import Fraction

import numpy as np
import pytest

from isa_blender_addon import plate
from isa_engine.results.video import write_video
from tests.addon.plates import add_camera, render, shot_of

# Sizes of render and plate whose shapes are not quite the same, as a canvas is of whole latent pixels.
RENDER, PLATE = (480, 272), (112, 64)


def waves(width: int, height: int) -> np.ndarray:
    """Soft waves over the whole frame, ``(height, width, 3)`` in [30, 230], at the pixels' centres."""
    x, y = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    random = np.random.default_rng(0)
    ways = random.uniform(-30, 30, (12, 2))
    phases = random.uniform(0, 2 * np.pi, 12)
    height_of = sum(np.sin(a * x + b * y + c) for (a, b), c in zip(ways, phases, strict=True))
    return np.repeat((130 + 100 * height_of / 12)[..., None], 3, -1)


def shift(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """By how many pixels, across and down, a picture has moved against another, by least squares; the change
    of contrast that softness makes is solved for as well."""
    inside = np.s_[8:-8, 8:-8]
    down, across = np.gradient(truth)
    flat = truth[inside]
    columns = np.stack(
        [part.ravel() for part in (-across[inside], -down[inside], flat, np.ones_like(flat))], 1
    )
    return np.linalg.lstsq(columns, (found[inside] - flat).ravel(), rcond=None)[0][:2]


@pytest.mark.parametrize("kind", ["PLANE", "STRIP", "COMPOSITOR"])
def test_a_small_plate_lies_exactly_and_reaches_the_edges(scene, tmp_path, kind):
    scene.render.resolution_x, scene.render.resolution_y = RENDER
    scene.view_settings.view_transform = "Standard"
    add_camera(scene)
    truth = waves(*RENDER)
    # A pixel of the plate is the mean of what it covers.
    fine = waves(8 * PLATE[0], 8 * PLATE[1]).reshape(PLATE[1], 8, PLATE[0], 8, 3).mean((1, 3))
    white = np.full((PLATE[1], PLATE[0], 3), 255, np.uint8)
    write_video(tmp_path / "plate.mp4", [fine.round().astype(np.uint8)] * 3, Fraction(24), 1, {})
    write_video(tmp_path / "matte.mp4", [white] * 3, Fraction(24), 1, {})
    plate.import_plate(scene, tmp_path, shot_of([1, 2, 3]), {kind})
    scene.render.use_sequencer = True
    found = render(scene, 2, tmp_path).astype(float)
    # The measure itself: a picture that is moved by one pixel.
    np.testing.assert_allclose(shift(np.roll(truth, 1, 1)[..., 1], truth[..., 1]), [1, 0], atol=0.1)
    assert np.abs(shift(found[..., 1], truth[..., 1])).max() < 0.05
    for edge in (np.s_[:2], np.s_[-2:], np.s_[:, :2], np.s_[:, -2:]):
        assert np.abs(found[edge] - truth[edge]).mean() < 4
