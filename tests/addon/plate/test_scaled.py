"""A plate of other pixels than the render lies where it should, to a small part of a pixel, edges and all."""

from fractions import Fraction

import numpy as np
import pytest

from isa_blender_addon import plate
from isa_engine.results.video import write_video
from tests.addon.plates import add_camera, render, shot_of

# Sizes of render and plate whose shapes are not quite the same, as a canvas is of whole latent pixels.
RENDER, PLATE, LARGE = (480, 272), (112, 64), (896, 512)


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


def bring(scene, folder, size: tuple[int, int], kind: str) -> None:
    """A take of the waves, and its plate in the scene."""
    folder.mkdir()
    width, height = size
    # A pixel of the plate is the mean of what it covers; of so many it is as good as its centre.
    parts = 1 if size == LARGE else 8
    fine = waves(parts * width, parts * height).reshape(height, parts, width, parts, 3).mean((1, 3))
    white = np.full((height, width, 3), 255, np.uint8)
    write_video(folder / "plate.mp4", [fine.round().astype(np.uint8)] * 3, Fraction(24), 1, {})
    write_video(folder / "matte.mp4", [white] * 3, Fraction(24), 1, {})
    plate.import_plate(scene, folder, shot_of([1, 2, 3]), {kind})


def assert_exact(scene, folder) -> None:
    """The scene's picture is the waves."""
    truth = waves(*RENDER)
    # A strip that comes is kept out of renders.
    scene.render.use_sequencer = True
    found = render(scene, 2, folder).astype(float)
    # The measure itself: a picture that is moved by one pixel.
    np.testing.assert_allclose(shift(np.roll(truth, 1, 1)[..., 1], truth[..., 1]), [1, 0], atol=0.1)
    assert np.abs(shift(found[..., 1], truth[..., 1])).max() < 0.05
    for edge in (np.s_[:2], np.s_[-2:], np.s_[:, :2], np.s_[:, -2:]):
        assert np.abs(found[edge] - truth[edge]).mean() < 4


@pytest.fixture
def framed(scene):
    """A scene that renders what its camera sees as it is."""
    scene.render.resolution_x, scene.render.resolution_y = RENDER
    scene.view_settings.view_transform = "Standard"
    add_camera(scene)
    return scene


@pytest.mark.parametrize("size", [PLATE, LARGE])
@pytest.mark.parametrize("kind", ["PLANE", "STRIP", "COMPOSITOR"])
def test_a_plate_lies_exactly_and_reaches_the_edges(framed, tmp_path, kind, size):
    bring(framed, tmp_path / "take", size, kind)
    assert_exact(framed, tmp_path)


@pytest.mark.parametrize("sizes", [((64, 48), PLATE), (LARGE, PLATE), (PLATE, LARGE)])
@pytest.mark.parametrize("kind", ["PLANE", "STRIP", "COMPOSITOR"])
def test_so_does_one_of_another_size_that_takes_its_place(framed, tmp_path, kind, sizes):
    for number, size in enumerate(sizes):
        bring(framed, tmp_path / f"take {number}", size, kind)
    assert_exact(framed, tmp_path)


def test_people_stay_in_place_when_the_render_gets_another_size(framed, tmp_path):
    framed.render.resolution_percentage = 50
    bring(framed, tmp_path / "take", PLATE, "COMPOSITOR")
    framed.render.resolution_percentage = 100
    assert_exact(framed, tmp_path)
