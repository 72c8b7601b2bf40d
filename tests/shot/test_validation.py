"""Every sentence names the field, the frame and the character, and says what to do."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from isa_engine.errors import ShotError
from isa_engine.shot import Kept, Settings, encode_shot, validate
from tests.shot.shots import small_shot


def spoiled(name: str, index, value) -> dict:
    array = getattr(small_shot(), name).copy()
    array[index] = value
    return {name: array}


def ben(**changes) -> dict:
    anna, second = small_shot().characters
    return {"characters": (anna, replace(second, **changes))}


def anna_posed(**changes) -> dict:
    first, second = small_shot().characters
    return {"characters": (replace(first, reference=replace(first.reference, **changes)), second)}


def points(frame: int, value: float) -> np.ndarray:
    array = small_shot().characters[1].points.copy()
    array[frame, 2, 1] = value
    return array


def joints(**changes) -> np.ndarray:
    """A skeleton of three frames, of which one number is another."""
    places = np.zeros((3, 60, 3), np.float32)
    for value, place in changes.values():
        places[place] = value
    return places


def kept(**changes) -> dict:
    """Of a take of the small shot's three frames, two latents."""
    whole = Kept(np.zeros((4, 2, 2, 2), np.float32), np.array([False, True]), "random", "ab" * 32)
    return {"kept": replace(whole, **changes)}


ONES = np.ones((3, 4, 3), np.float32)
CASES = {
    "no frame rate": ({"fps": Fraction(0)}, ["fps", "0"]),
    "a cut before the first frame": ({"cuts": (0,)}, ["cuts"]),
    "a cut after the last frame": ({"cuts": (3,)}, ["cuts", "3 frames"]),
    "cuts that do not rise": ({"cuts": (2, 1)}, ["cuts"]),
    "latents of another length": (kept(latents=np.zeros((4, 3, 2, 2), np.float32)), ["kept", "(4, 3, 2, 2)"]),
    "latents that are none": (kept(latents=np.zeros((2, 2), np.float32)), ["kept", "(2, 2)"]),
    "depth of another canvas": (
        {"background_depth": np.ones((3, 128, 223), np.float16)},
        ["background's depth", "float16 of shape (3, 128, 223)", "(3, 128, 224)", "again"],
    ),
    "depth of other frames": ({"background_depth": np.ones((2, 128, 224), np.float16)}, ["depth", "(2, 128"]),
    "depth in other numbers": ({"background_depth": np.ones((1, 128, 224), np.float32)}, ["float32"]),
    "depth behind the camera": (
        {"background_depth": np.array([1, 1, -1], np.float16).repeat(128 * 224).reshape(3, 128, 224)},
        ["background's depth, frame 14", "not before the camera"],
    ),
    "depth that is no number": (
        {"background_depth": np.full((1, 128, 224), np.nan, np.float16)},
        ["background's depth, frame 10"],
    ),
    "depth of nothing": (
        {"background_depth": np.ones((1, 128, 224), np.float16), "background": None},
        ["background's depth", "missing"],
    ),
    "nothing that steers": (
        {"settings": Settings(width=224, height=128, steering="")},
        ["steers", "missing"],
    ),
    "nowhere to paint": (
        {"settings": Settings(width=224, height=128, painted="")},
        ["where people are painted", "missing"],
    ),
    "a plate smaller than its canvas": (
        {"settings": Settings(width=224, height=128, plate_scale=0)},
        ["the plate's scale is 0", "1 to 4"],
    ),
    "a plate of too many pixels": (
        {"settings": Settings(width=2048, height=128, plate_scale=3), "background_depth": None},
        ["6144 pixels long", "smaller scale", "4096"],
    ),
    "a latent that is no number": (
        kept(latents=np.full((4, 2, 2, 2), np.nan, np.float32)),
        ["kept", "finite"],
    ),
    "another length made again": (kept(again=np.ones(3, bool)), ["kept", "(3,)", "2 bools"]),
    "nothing made again": (kept(again=np.zeros(2, bool)), ["kept", "nothing is made again", "Choose frames"]),
    "latents of no model": (kept(weights=""), ["kept", "origin", "missing"]),
    "visibility of another length": (ben(shown=np.ones(2, bool)), ["Ben", "shown", "(2,)"]),
    "visibility in numbers": (ben(shown=np.ones(3)), ["Ben", "float64"]),
    "nobody ever": (ben(shown=np.zeros(3, bool)), ["Ben", "hidden on all frames"]),
    "a skeleton of another body": (ben(skeleton=ONES), ["'Ben'", "skeleton", "(3, 60, 3)"]),
    "a skeleton of other frames": (ben(skeleton=joints()[:2]), ["'Ben'", "skeleton", "(2, 60, 3)"]),
    "half a joint": (ben(skeleton=joints(x=(np.nan, (2, 5, 1)))), ["'Ben'", "in part", "frame 14"]),
    "a joint that comes and goes": (ben(skeleton=joints(x=(np.nan, (1, 5)))), ["on all frames", "frame 12"]),
    "no joint at all": (ben(skeleton=joints(x=(np.nan, ...))), ["'Ben'", "no joint is known"]),
    "a joint at infinity": (ben(skeleton=joints(x=(np.inf, (1, 5)))), ["finite", "frame 12"]),
    "words that are none": (ben(prompt=7), ["'Ben'", "prompt is not text"]),
    "half of a letter": ({"settings": Settings(prompt="\ud800")}, ["settings", "prompt", "not text"]),
    "a novel": ({"settings": Settings(negative_prompt="a" * 5000)}, ["negative prompt", "5000", "4096"]),
    "a frame rate of no camera": ({"fps": Fraction(1001)}, ["fps", "1001"]),
    "a frame rate no container holds": ({"fps": Fraction(1, 2**31)}, ["fps"]),
    "no width": ({"width": 0}, ["width", "0"]),
    "a giant height": ({"height": 16385}, ["height", "16385", "16384"]),
    "no frames": ({"frame_numbers": np.zeros(0, np.int32)}, ["frame range is empty", "end"]),
    "uneven frames": ({"frame_numbers": np.array([1, 2, 4], np.int32)}, ["frame_numbers", "evenly"]),
    "frames backwards": ({"frame_numbers": np.array([3, 2, 1], np.int32)}, ["frame_numbers"]),
    "one frame thrice": ({"frame_numbers": np.array([5, 5, 5], np.int32)}, ["frame_numbers"]),
    "frames past the file's integers": (
        {"frame_numbers": np.array([2**31, 2**31 + 1, 2**31 + 2])},
        ["frame_numbers"],
    ),
    "too many frames": ({"frame_numbers": np.arange(5000, dtype=np.int32)}, ["5000", "4096"]),
    "nobody": ({"characters": ()}, ["cast is empty", "character"]),
    "a crowd": ({"characters": small_shot().characters * 33}, ["66 characters", "64"]),
    "a lens of another length": ({"intrinsics": np.ones((2, 4))}, ["intrinsics", "(2, 4)", "(3, 4)"]),
    "a lens that is not a number": (spoiled("intrinsics", (1, 0), np.nan), ["intrinsics", "frame 12"]),
    "a lens of no length": (spoiled("intrinsics", (2, 1), 0), ["intrinsics", "frame 14", "focal length"]),
    "an infinite camera": (spoiled("camera_to_world", (1, 0, 3), np.inf), ["camera_to_world", "frame 12"]),
    "a scaled camera": (
        spoiled("camera_to_world", (0, 0, 0), 2),
        ["camera_to_world", "frame 10", "rigid"],
    ),
    "a mirrored camera": (spoiled("camera_to_world", (0, 0, 0), -1), ["camera_to_world", "frame 10"]),
    "a projective camera": (spoiled("camera_to_world", (2, 3, 0), 1), ["camera_to_world", "frame 14"]),
    "a camera past floating point": (
        spoiled("camera_to_world", (1, slice(2), slice(2)), [[1e200, 1e200], [1e200, -1e200]]),
        ["camera_to_world", "frame 12", "rigid"],
    ),
    "a point that is not a number": (ben(points=points(2, np.nan)), ["'Ben'", "points", "frame 14"]),
    "another number of points": (ben(points=ONES[:, :3]), ["'Ben'", "(3, 3, 3)", "(3, 4, 3)"]),
    "points of another take": (ben(points=ONES[:2]), ["'Ben'", "(2, 4, 3)"]),
    "points of one frame": (
        {"characters": tuple(replace(c, points=ONES[0]) for c in small_shot().characters)},
        ["'Anna'", "points", "(4, 3)"],
    ),
    "no points": (
        {"characters": tuple(replace(c, points=ONES[:, :0]) for c in small_shot().characters)},
        ["'Anna'", "0 surface points"],
    ),
    "a triangle past the last point": (ben(triangles=np.array([[0, 1, 4]])), ["'Ben'", "triangle"]),
    "a triangle before the first point": (ben(triangles=np.array([[0, -1, 2]])), ["'Ben'", "triangle"]),
    "triangles of four corners": (ben(triangles=np.zeros((2, 4), int)), ["'Ben'", "(2, 4)"]),
    "triangles of fractions": (ben(triangles=np.zeros((2, 3))), ["'Ben'", "triangles"]),
    "a nameless character": (ben(name=""), ["name is missing"]),
    "a name that is not text": (ben(name="Be\ud800n"), ["Be\\ud800n", "Rename"]),
    "a picture that is not there": (anna_posed(picture=1), ["'Anna'", "picture 1"]),
    "a picture before the first": (anna_posed(picture=-1), ["'Anna'", "picture -1"]),
    "a pose of another body": (anna_posed(points=ONES[0, :3]), ["'Anna'", "reference points", "(3, 3)"]),
    "a pose that is not a number": (anna_posed(mvp=np.full((4, 4), np.nan)), ["'Anna'", "reference mvp"]),
    "a reference of another kind": ({"references": (b"GIF89a",)}, ["reference 0", "PNG", "JPEG"]),
    "a frame reference that is not there": ({"frame_reference": 1}, ["frame_reference 1"]),
    "no model": ({"settings": Settings(model="")}, ["settings", "model"]),
    "no canvas": ({"settings": Settings(width=0)}, ["settings", "canvas width", "0"]),
    "a giant canvas": ({"settings": Settings(height=4097)}, ["settings", "canvas height", "4096"]),
    "no steps": ({"settings": Settings(steps=0)}, ["settings", "0 steps", "1000"]),
    "negative guidance": ({"settings": Settings(guidance=-1)}, ["settings", "guidance", "-1"]),
    "guidance that is not a number": ({"settings": Settings(guidance=np.nan)}, ["settings", "guidance"]),
    "a seed past 32 bits": ({"settings": Settings(seed=2**32)}, ["settings", "seed", "4294967295"]),
}


@pytest.mark.parametrize("case", CASES)
def test_a_shot_with(case):
    changes, words = CASES[case]
    shot = small_shot(**changes)
    for check in (validate, encode_shot):
        with pytest.raises(ShotError) as error:
            check(shot)
        for word in words:
            assert word in str(error.value)
        assert str(error.value).isprintable()
