"""Videos as phones, browsers and careless people leave them, with masks of what is seen in them."""

import numpy as np
import pytest
from PIL import Image

from isa_engine.data.footage.clips import Ingestion
from isa_engine.data.footage.footage import MASKS, read_footage
from isa_engine.data.recordings.media import EXACT, encode_video
from isa_engine.data.recordings.unfit import Unfit
from isa_engine.errors import DataError
from tests.movies import lying, timed

FRAMES, HEIGHT, WIDTH = 6, 32, 48


@pytest.fixture
def left(tmp_path):
    """Leaves a video with a mask for each frame of it; its path."""

    def leave(encoded: bytes, size: tuple[int, int] = (HEIGHT, WIDTH), kind: str = "mp4"):
        path = tmp_path / f"clip.{kind}"
        path.write_bytes(encoded)
        (tmp_path / "clip" / MASKS).mkdir(parents=True)
        for frame in range(FRAMES):
            Image.new("L", size[::-1], 1).save(tmp_path / "clip" / MASKS / f"{frame:05d}.png")
        return path

    return leave


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_phones_video_is_turned_and_its_masks_are_of_what_is_seen(left, degrees):
    filmed = np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    filmed[:, : HEIGHT // 2, : WIDTH // 2] = 200
    seen = np.rot90(filmed, -degrees // 90, (1, 2))
    footage = read_footage(left(lying(encode_video(filmed, 24, EXACT), degrees), seen.shape[1:3]), 512)
    np.testing.assert_array_equal(footage.video, seen)
    assert footage.source_size == seen.shape[1:3] == footage.mask.shape[1:]


def test_a_browsers_video_has_the_rate_at_which_it_was_filmed(left):
    times = [round(1000 / 30 * frame) for frame in range(FRAMES)]
    still = np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    footage = read_footage(left(timed(still, times, "webm"), kind="webm"), 512)
    assert footage.fps == pytest.approx(30, rel=0.02)
    assert (footage.step, len(footage.video)) == (1, FRAMES)


def test_whoever_would_move_at_a_wrong_speed_is_left_out(left):
    still = np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    with pytest.raises(
        Unfit, match=r"uneven times: frame 4 is 0\.\d+ s off its time\. Save it at a constant"
    ):
        read_footage(left(timed(still, [0, 40, 80, 120, 160, 1160])), 512)


def test_a_phone_that_lost_a_frame_is_no_reason_to_leave_a_video_out(left):
    still = np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    assert read_footage(left(timed(still, [0, 33, 67, 133, 167, 200])), 512).fps == pytest.approx(
        25, rel=0.01
    )


def test_an_empty_file_and_a_folder_are_broken_videos(left, tmp_path):
    with pytest.raises(Unfit, match=r"^broken video: the video cannot be decoded$"):
        read_footage(left(b""), 512)
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(Unfit, match=r"^broken video: Is a directory$"):
        read_footage(tmp_path / "folder.mp4", 512)


@pytest.mark.parametrize(
    ("wrong", "remedy"),
    [
        ({"frames": 8, "shortest": 9}, "--frames at least as many"),
        ({"frames": 0, "shortest": 0}, "--shortest is at least 1"),
        ({"short_side": 0}, "--short-side is at least 16"),
        ({"held_out": 7}, "0.02 is two of a hundred"),
        ({"held_out": float("nan")}, "0.02 is two of a hundred"),
    ],
)
def test_numbers_that_make_no_sense_are_refused_before_anything_is_read(wrong, remedy):
    with pytest.raises(DataError, match=remedy):
        Ingestion(**wrong)
