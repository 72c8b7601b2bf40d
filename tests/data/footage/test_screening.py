"""Cuts, blur, size, stray tracks and clean plates on pictures whose answer is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from isa_engine.data.footage.clean_plate import clean_plate, push_pull
from isa_engine.data.footage.footage import Footage
from isa_engine.data.footage.performance import Performance
from isa_engine.data.footage.reference import choose_reference
from isa_engine.data.footage.screening import (
    Limits,
    blurriness,
    check_movement,
    check_picture,
    matched,
    on_mask,
    shots,
    thumbnail,
)
from isa_engine.data.recordings.unfit import Unfit

LIMITS = Limits()


def texture(height: int, width: int, seed: int = 0, block: int = 4) -> np.ndarray:
    """Sharp blocks of random colours."""
    size = -(-height // block), -(-width // block), 3
    blocks = np.random.default_rng(seed).integers(0, 256, size, np.uint8)
    return blocks.repeat(block, 0).repeat(block, 1)[:height, :width]


def pan(frames: int, seed: int, speed: int = 2) -> np.ndarray:
    wide = texture(72, 128 + speed * frames, seed, block=24)
    return np.stack([wide[:, speed * f : speed * f + 128] for f in range(frames)])


def found(video: np.ndarray) -> list[tuple[int, int]]:
    thumbnails = np.stack([thumbnail(frame) for frame in video])
    return [(shot.start, shot.stop) for shot in shots(thumbnails, LIMITS)]


@given(st.integers(1, 200), st.integers(1, 200))
def test_a_thumbnail_is_the_mean_of_its_cells(height, width):
    flat = np.full((height, width, 3), 77, np.uint8)
    assert np.allclose(thumbnail(flat), 77)
    if height >= 36 and width >= 64:
        picture = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
        assert abs(thumbnail(picture).mean() - picture.mean()) < 6


def test_a_cut_is_found_on_its_frame_and_nowhere_else():
    assert found(np.concatenate([pan(12, 1), pan(9, 2), pan(7, 3)])) == [(0, 12), (12, 21), (21, 28)]


def test_neither_a_moving_camera_nor_a_slow_change_of_light_is_a_cut():
    assert found(pan(24, 1, speed=4)) == [(0, 24)]
    still = np.broadcast_to(texture(72, 128), (24, 72, 128, 3)).astype(float)
    dimming = (still * np.linspace(1, 0.2, 24)[:, None, None, None]).astype(np.uint8)
    assert found(dimming) == [(0, 24)]
    # Everything changes all the time: a shaken camera, not thirty cuts.
    assert len(found(np.stack([texture(72, 128, seed) for seed in range(20)]))) == 1


def test_blurriness_rises_with_blur_whatever_the_contrast():
    picture, mask = texture(64, 64), np.zeros((64, 64), bool)
    mask[8:56, 16:48] = True
    sharp = blurriness(picture, mask)
    values = [sharp]
    for radius in (1, 2, 4):
        blurred = np.array(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(radius)))
        values.append(blurriness(blurred, mask))
    assert values == sorted(values)
    assert values[0] < LIMITS.blur < values[-1]
    faint = (picture * 0.2 + 100).astype(np.uint8)
    assert abs(blurriness(faint, mask) - sharp) < 0.03
    assert blurriness(np.full_like(picture, 90), mask) == 1


def test_blur_around_the_figure_does_not_matter():
    picture = texture(64, 64)
    mask = np.zeros((64, 64), bool)
    mask[16:48, 16:48] = True
    set_blurred = np.array(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(6)))
    set_blurred[mask] = picture[mask]
    assert blurriness(set_blurred, mask) < LIMITS.blur


def figures(heights: tuple[int, ...], frames: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Figures of these heights side by side in 64 rows."""
    video = np.stack([texture(64, 96, f) for f in range(frames)])
    mask = np.zeros((frames, 64, 96), np.uint8)
    for k, height in enumerate(heights):
        mask[:, :height, 20 * k : 20 * k + 16] = k + 1
    return video, mask


def test_a_tiny_figure_is_refused_also_beside_a_large_one():
    check_picture(*figures((60, 40)), 2, LIMITS)
    with pytest.raises(Unfit, match="tiny figure: figure 2") as caught:
        check_picture(*figures((60, 5)), 2, LIMITS)
    assert caught.value.reason == "tiny figure"


def test_a_blurred_figure_is_refused():
    video, mask = figures((60,))
    blurred = np.stack([np.array(Image.fromarray(f).filter(ImageFilter.GaussianBlur(4))) for f in video])
    with pytest.raises(Unfit) as caught:
        check_picture(blurred, mask, 1, LIMITS)
    assert caught.value.reason == "blur"


def test_a_jump_and_a_flip_are_bad_tracks_and_a_run_is_not():
    still, run = np.zeros((10, 3)), np.linspace([0, 0, 0], [3, 0, 0], 10)
    check_movement(still, run, 24, LIMITS)
    jump = still.copy()
    jump[5:] = [1, 0, 0]
    with pytest.raises(Unfit, match="24 m/s"):
        check_movement(still, jump, 24, LIMITS)
    flip = still.copy()
    flip[5:] = [0, np.pi, 0]
    with pytest.raises(Unfit, match=r"turns by 3\.1"):
        check_movement(flip, still, 24, LIMITS)
    # The same rotation written in two ways is no turn.
    wound = np.tile([0, 3.0, 0], (10, 1))
    wound[5:] = [0, 3.0 - 2 * np.pi, 0]
    check_movement(wound, still, 24, LIMITS)


def points_on(mask: np.ndarray, number: int, count: int = 20) -> np.ndarray:
    """Pixels ``(F, N, 2)`` within the figure of this number."""
    random, pixels = np.random.default_rng(0), []
    for frame in mask:
        rows, columns = np.nonzero(frame == number)
        chosen = random.integers(len(rows), size=count)
        pixels.append(np.stack([columns[chosen], rows[chosen]], -1) + 0.5)
    return np.stack(pixels)


def test_masks_are_given_to_the_people_who_stand_on_them():
    _, mask = figures((60, 40))
    people = [points_on(mask, 2), points_on(mask, 1)]
    values = np.stack([on_mask(pixels, mask) for pixels in people], 1)
    renumbered = matched(values, mask, LIMITS)
    assert np.array_equal(renumbered == 1, mask == 2)
    assert np.array_equal(renumbered == 2, mask == 1)


def test_a_track_off_its_mask_and_a_stranger_are_refused():
    _, mask = figures((60, 40))
    one = on_mask(points_on(mask, 1), mask)[:, None]
    with pytest.raises(Unfit) as caught:
        matched(one, mask, LIMITS)
    assert caught.value.reason == "somebody untracked"
    astray = on_mask(points_on(mask, 1) + np.array([40, 0]), mask)[:, None]
    with pytest.raises(Unfit) as caught:
        matched(astray, np.where(mask == 1, mask, 0), LIMITS)
    assert caught.value.reason == "bad track"
    with pytest.raises(Unfit):
        matched(one, np.zeros_like(mask), LIMITS)


def test_points_off_the_picture_or_behind_the_camera_are_on_no_mask():
    mask = np.ones((1, 4, 6), np.uint8)
    off = [[-0.1, 2], [6.0, 2], [2, -3], [2, 4.0], [np.nan, 1], [np.inf, 1], [1e30, 1]]
    assert on_mask(np.array([[*off, [5.9, 3.9]]]), mask).tolist() == [[-1] * len(off) + [1]]


def walking_box(video: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A red box that walks through."""
    mask = np.zeros(video.shape[:3], np.uint8)
    filmed = video.copy()
    for f in range(len(video)):
        mask[f, 20:60, 6 * f + 2 : 6 * f + 26] = 1
    filmed[mask > 0] = [255, 0, 0]
    return filmed, mask


def test_a_still_cameras_set_is_seen_in_other_frames():
    truth = np.broadcast_to(texture(72, 128), (12, 72, 128, 3))
    video, mask = walking_box(truth)
    plate = clean_plate(video, mask)
    assert plate.from_others
    assert plate.still
    assert np.array_equal(plate.pictures, truth)


def test_a_moving_cameras_set_is_kept_around_the_cast_and_filled_behind_it():
    truth = pan(12, 0)
    video, mask = walking_box(truth)
    plate = clean_plate(video, mask)
    assert not plate.from_others
    assert not plate.still
    away = mask == 0
    away[:, 16:64, :] = False
    assert np.array_equal(plate.pictures[away], truth[away])
    red = (plate.pictures == [255, 0, 0]).all(-1)
    assert not red[mask > 0].any()


def test_before_a_plain_wall_nobody_knows_whether_the_camera_moves():
    video, mask = walking_box(np.full((12, 72, 128, 3), 90, np.uint8))
    plate = clean_plate(video, mask)
    assert plate.from_others
    assert not plate.still
    assert (plate.pictures == 90).all()


def test_a_hole_is_filled_within_what_surrounds_it():
    ramp = np.broadcast_to(np.linspace(0, 200, 33)[None, :, None], (17, 33, 3)).astype(np.float32)
    known = np.ones((17, 33), bool)
    known[5:12, 8:25] = False
    filled = push_pull(ramp, known)
    assert np.array_equal(filled[known], ramp[known])
    assert np.abs(filled - ramp).max() < 60
    assert (push_pull(ramp, np.zeros_like(known)) == 127.5).all()


def test_the_reference_is_sharp_of_the_same_shot_and_outside_what_is_shown():
    frames = 40
    video, mask = (np.concatenate(parts) for parts in zip(*[figures((60,), 10)] * 4, strict=True))
    turns = np.zeros((frames, 1, 55, 3), np.float32)
    # Furthest turned: within what is shown, then in another shot, then blurred, then far enough away.
    for turn, frame in ((3.0, 4), (2.8, 35), (2.5, 26), (2.0, 22)):
        turns[frame, 0, 0, 1] = turn
    video[26] = np.array(Image.fromarray(video[26]).filter(ImageFilter.GaussianBlur(5)))
    footage = Footage(video, mask, np.zeros((frames, 36, 64, 3)), 24.0, 1, frames, (64, 96))
    zeros = np.zeros((frames, 1, 3), np.float32)
    performance = Performance(
        "hand", ["0"], np.ones((frames, 1), bool), zeros[0], turns, zeros, zeros, zeros, False
    )
    people, shot = np.array([0]), slice(0, 30)
    assert choose_reference(footage, performance, people, range(0, 12), shot, LIMITS) == 22
    with pytest.raises(Unfit) as caught:
        choose_reference(footage, performance, people, range(0, 26), shot, LIMITS)
    assert caught.value.reason == "no reference"
