"""What cameras of training see: the range of lenses, places and sizes that artists use is inside."""

import numpy as np
import pytest

from isa_engine.data.scenario.camera_paths import CLOSE, WIDE, Detail, random_camera_path

# A person who stands on the origin.
CENTRE, RADIUS, HEIGHT = np.array([0.0, 0.0, 0.9]), 0.95, 1.75
DRAWS = 4000
# Of one seed of the plain framing, from before there was another.
PLAIN_LENS, PLAIN_PLACE = (1.487101, 2.230651), (2.367613, 0.814325, 1.257056)


def views(aspect: float, frames: int = 1) -> dict[str, np.ndarray]:
    """Of many drawn cameras: millimetres of the lens before 36 mm, degrees above the horizon, metres to the
    cast, and the share of the picture's height that a person fills who is seen from the side."""
    random, target = np.random.default_rng(0), np.tile(CENTRE, (frames, 1))
    shot = target, RADIUS, frames, 24.0, aspect
    drawn = [random_camera_path(random, *shot, WIDE, [Detail(target)]) for _ in range(DRAWS)]
    lens, camera = (np.stack(part)[:, 0] for part in zip(*drawn, strict=True))
    away = camera[:, :3, 3] - CENTRE
    distance = np.linalg.norm(away, axis=1)
    return {
        "millimetres": 36 / 2 * np.minimum(lens[:, 0], lens[:, 1]),
        "elevation": np.degrees(np.arcsin(away[:, 2] / distance)),
        "distance": distance,
        "figure": lens[:, 1] * HEIGHT / distance / 2,
    }


@pytest.fixture(scope="module")
def wide():
    return views(16 / 9)


# Blender's default camera: (7.359, −6.926, 4.958), 50 mm before 36 mm, 16:9.
BLENDER_PLACE = np.array([7.359, -6.926, 4.958])
BLENDER = {
    "millimetres": 50.0,
    "elevation": float(
        np.degrees(np.arcsin((BLENDER_PLACE - CENTRE)[2] / np.linalg.norm(BLENDER_PLACE - CENTRE)))
    ),
    "distance": float(np.linalg.norm(BLENDER_PLACE - CENTRE)),
    "figure": 50 / 36 * 16 / 9 * HEIGHT / float(np.linalg.norm(BLENDER_PLACE - CENTRE)),
}


@pytest.mark.parametrize("measure", BLENDER)
def test_the_default_camera_of_blender_is_within_the_middle_of_each_measure(wide, measure):
    low, high = np.quantile(wide[measure], (0.05, 0.95))
    assert low < BLENDER[measure] < high


def test_cameras_like_blenders_default_one_are_drawn(wide):
    """All measures at once: in a thousand clips a good dozen."""
    near = (
        (np.abs(np.log(wide["millimetres"] / BLENDER["millimetres"])) < 0.4)
        & (np.abs(wide["elevation"] - BLENDER["elevation"]) < 12)
        & (np.abs(np.log(wide["figure"] / BLENDER["figure"])) < 0.5)
    )
    assert near.mean() > 0.01


def test_figures_are_from_fifteen_pixels_to_larger_than_the_picture(wide):
    pixels = wide["figure"] * 128
    assert np.quantile(pixels, 0.02) < 20
    assert (pixels < 16).any()
    assert (pixels > 128).mean() > 0.1
    assert (pixels > 400).mean() > 0.01
    # Most of the learning is about figures that can be told.
    assert ((pixels > 40) & (pixels < 180)).mean() > 0.4


def test_cameras_are_from_the_ground_to_straight_above(wide):
    assert wide["elevation"].min() < -3
    assert wide["elevation"].max() > 80
    assert ((wide["elevation"] > 35) & (wide["elevation"] < 75)).mean() > 0.1


@pytest.mark.parametrize("aspect", [16 / 9, 1.0, 4 / 7])
def test_lenses_are_from_14_to_135_millimetres_along_the_longer_side(aspect):
    millimetres = views(aspect)["millimetres"]
    assert 14 <= millimetres.min() < 16
    assert 120 < millimetres.max() <= 135.001


def test_no_camera_is_in_the_ground_or_in_somebody():
    random = np.random.default_rng(1)
    for _ in range(300):
        target = np.tile(CENTRE, (5, 1))
        _, camera = random_camera_path(random, target, RADIUS, 5, 24.0, 1.0, WIDE, [Detail(target)])
        assert (camera[:, 2, 3] >= 0.05 - 1e-9).all()
        assert np.isfinite(camera).all()
        assert np.allclose(np.linalg.det(camera[:, :3, :3]), 1)


def test_some_casts_are_cut_by_the_frame_and_some_come_or_go():
    random, frames = np.random.default_rng(2), 17
    target = np.tile(CENTRE, (frames, 1))
    inside = []
    for _ in range(800):
        lens, camera = random_camera_path(random, target, RADIUS, frames, 24.0, 1.0, WIDE)
        seen = np.einsum("fij,fi->fj", camera[:, :3, :3], CENTRE - camera[:, :3, 3])
        ndc = lens[:, :2] * seen[:, :2] / -seen[:, 2:]
        inside.append((np.abs(ndc) < 1).all(1) & (seen[:, 2] < 0))
    inside = np.array(inside)
    assert 0.6 < inside.mean() < 0.97
    assert (inside[:, 0] != inside[:, -1]).mean() > 0.02


def test_the_plain_framing_keeps_what_it_was():
    lens, camera = random_camera_path(
        np.random.default_rng(5), np.tile(CENTRE, (3, 1)), 1.0, 3, 24.0, 1.5, CLOSE
    )
    assert lens[0, :2] == pytest.approx(PLAIN_LENS, abs=1e-6)
    assert camera[2, :3, 3] == pytest.approx(PLAIN_PLACE, abs=1e-6)
