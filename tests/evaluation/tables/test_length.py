"""How long takes are measured: drift of colours, joints of windows, and the table."""

import pytest
import torch

from isa_engine.errors import ModelError
from isa_engine.evaluation.candidates.videos import Sampling
from isa_engine.evaluation.reporting.table import NOTHING
from isa_engine.evaluation.tables.length import (
    CEILING,
    DRIFT,
    JOINTS,
    OPERATIONS,
    Windowing,
    change_at,
    drift,
    length,
)
from tests.pipeline.shots import MICRO, speaking

FRAMES = 32


def test_colours_that_are_wrong_alike_throughout_do_not_drift_and_a_figure_that_fades_does():
    truth, mask = torch.rand(3, FRAMES, 8, 8) - 0.5, (torch.rand(8, 8) > 0.5).expand(FRAMES, 8, 8)
    assert drift(truth + 0.3, truth, mask) == pytest.approx(0, abs=1e-6)
    fading = torch.linspace(0, 0.4, FRAMES)[None, :, None, None]
    # From the middle of the first eighth to that of the last, of colours from −1 to 1.
    assert drift(truth + fading, truth, mask) == pytest.approx(0.2 * 28 / 31, abs=1e-3)
    # What the background does is not the figure's.
    assert drift(torch.where(mask, truth, truth + fading), truth, mask) == pytest.approx(0, abs=1e-6)


def test_a_jump_where_windows_begin_is_seen_and_one_elsewhere_is_not_theirs():
    video = torch.zeros(3, 21, 4, 4)
    video += torch.arange(21)[None, :, None, None]
    assert change_at(video, [9]) == pytest.approx(1)
    video[:, 9:] += 4
    assert change_at(video, [9]) == pytest.approx(5)
    assert change_at(video, [13]) < 1
    assert change_at(video, []) is None


def test_windows_are_given_in_words():
    assert Windowing.parse("whole") == Windowing()
    assert Windowing.parse("9/4/1") == Windowing(9, 4, 1)
    assert str(Windowing(9, 4, 1)) == "windows of 9, stride 4, anchor 1"
    for wrong in ("9", "9/4", "a/b/c", "9/-4/0", "9/4/1/1"):
        with pytest.raises(ModelError, match="WINDOW/STRIDE/ANCHOR"):
            Windowing.parse(wrong)


def test_joints_are_the_first_frames_of_the_windows_after_the_first():
    assert Windowing(3, 2, 0).joints(9) == [5, 13]
    assert Windowing(3, 2, 0).joints(3) == []
    assert Windowing().joints(9) == []


def test_the_table_has_each_length_whole_and_in_windows(clips):
    model = speaking(MICRO)
    windowings = [Windowing(), Windowing(3, 2, 1)]
    found = length(model, clips, 1, [9, 25], windowings, Sampling(1, 1.0))
    names = [row.name for row in found.rows]
    assert names == [f"{n} frames, {what}" for n in (9, 25) for what in (CEILING, *windowings)]
    for column in found.columns[1:]:
        # A window covers nine frames.
        if column not in ("seconds", "peak memory, MiB"):
            assert found.cell(names[1], column) == found.cell(names[2], column)
    # What happens where windows begin is measured without windows, too.
    for name in names[3:]:
        assert found.cell(name, JOINTS) != NOTHING
    assert found.cell(names[4], OPERATIONS) != found.cell(names[5], OPERATIONS)
    assert found.cell(names[4], DRIFT) != found.cell(names[5], DRIFT)


def test_measuring_in_windows_leaves_the_model_as_it_was(model):
    windowed = Windowing(3, 2, 1).of(model)
    assert windowed.config.dit.temporal_window == 3
    assert model.config.dit.temporal_window is None
    assert model.dit.config.temporal_window is None
