"""A part of a shot is what the whole shot has on these frames, and nothing else."""

import argparse
import dataclasses
import weakref

import numpy as np
import pytest

from isa_engine import sandbox
from isa_engine.commands.options.part import add_part, part_of
from isa_engine.errors import ShotError
from isa_engine.sandbox import footage as decoded
from isa_engine.shot import Kept, Shot, encode_shot, read_shot, validate
from tests.pipeline.shots import footage, make_shot


def part(shot: Shot, frames: str) -> Shot:
    parser = argparse.ArgumentParser()
    add_part(parser)
    return part_of(shot, parser.parse_args([f"--frames={frames}"]))


def test_a_part_has_the_frames_of_the_scene_that_were_asked_for_as_the_shot_has_them():
    shot = dataclasses.replace(make_shot(frames=9, step=2), cuts=(3, 6))
    made = validate(part(shot, "13-23"))
    assert made.frame_numbers.tolist() == [14, 16, 18, 20, 22]
    assert made.cuts == (1, 4)
    assert np.array_equal(made.camera_to_world, shot.camera_to_world[2:7])
    assert np.array_equal(made.intrinsics, shot.intrinsics[2:7])
    for one, other in zip(made.characters, shot.characters, strict=True):
        assert np.array_equal(one.points, other.points[2:7])
        # It stands in its picture where it stood, whatever frame that was.
        assert one.reference is other.reference


@pytest.mark.parametrize(("frames", "first", "end"), [("10-12", 0, 3), ("13-15", 3, 6), ("17-99", 7, 9)])
def test_behind_a_part_is_what_was_behind_these_frames_to_the_bit(frames, first, end):
    size, away = (
        (48, 32),
        np.arange(1, 10, dtype=np.float16)[:, None, None] * np.ones((1, 32, 48), np.float16),
    )
    shot = dataclasses.replace(make_shot(frames=9), background=footage(9), background_depth=away)
    made = read_shot(encode_shot(part(shot, frames)))
    shown = list(decoded(made.background, made.frames, size))
    assert np.array_equal(shown, list(decoded(shot.background, 9, size))[first:end])
    assert np.array_equal(made.background_depth, away[first:end])


def test_of_a_long_background_a_few_frames_are_in_memory(monkeypatch):
    """All of a take of 2,000 frames of 800 × 448 would be 2 GB."""
    frames, alive = [], []

    def counted(*asked):
        for frame in decoded(*asked):
            frames.append(weakref.ref(frame))
            alive.append(sum(known() is not None for known in frames))
            yield frame

    monkeypatch.setattr(sandbox, "footage", counted)
    part(dataclasses.replace(make_shot(frames=40), background=footage(40)), "20-49")
    assert len(frames) == 40
    assert max(alive) <= 4


def test_who_is_hidden_on_all_frames_of_a_part_is_left_out():
    shot = make_shot(frames=9)
    later = dataclasses.replace(shot.characters[1], shown=np.arange(9) > 4)
    shot = dataclasses.replace(shot, characters=(shot.characters[0], later))
    assert [each.name for each in validate(part(shot, "10-13")).characters] == ["Ball 0"]
    assert [each.name for each in validate(part(shot, "10-15")).characters] == ["Ball 0", "Ball 1"]
    alone = dataclasses.replace(shot, characters=(later,))
    with pytest.raises(ShotError, match=r"nobody is shown .*--frames 10-13.* has 10 to 18"):
        part(alone, "10-13")


def test_nothing_of_an_earlier_take_is_kept_in_a_part_and_all_frames_are_the_shot_itself():
    latents = np.zeros((4, 3, 4, 6), np.float32)
    kept = Kept(latents, np.array([True, False, False]), "weights", "take")
    shot = dataclasses.replace(make_shot(frames=9), kept=kept)
    assert part(shot, "10-13").kept is None
    assert part(shot, "0-18") is shot


def test_frames_that_the_shot_does_not_have_are_said_with_those_that_it_has():
    with pytest.raises(ShotError, match=r"none of these frames \(--frames 20-30\). The shot has 10 to 18"):
        part(make_shot(frames=9), "20-30")


def test_frames_before_0_are_frames_like_others():
    shot = dataclasses.replace(make_shot(frames=9), frame_numbers=np.arange(-9, 0, dtype=np.int32))
    assert part(shot, "-8--3").frame_numbers.tolist() == [-8, -7, -6, -5, -4, -3]


@pytest.mark.parametrize("frames", ["12", "a-b", "14-12", "1.5-3", "", "1-99999999999"])
def test_what_is_no_range_is_refused_by_the_command_line(frames, capsys):
    with pytest.raises(SystemExit):
        part(make_shot(), frames)
    assert (
        f"argument --frames: '{frames}' is no first and last frame, such as 80-96" in capsys.readouterr().err
    )
