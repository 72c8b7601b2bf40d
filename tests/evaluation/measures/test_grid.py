"""The grid of windows, seen and unseen."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from isa_engine.evaluation.measures.grid import border_ratio, corner_ratio

SIDE = 8


def noise(seed: int, frames: int = 4) -> torch.Tensor:
    return torch.rand(3, frames, 64, 64, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def of_windows(seed: int) -> torch.Tensor:
    """Every window in one colour."""
    windows = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return F.interpolate(windows, scale_factor=SIDE, mode="nearest").movedim(0, 1)


@given(st.integers(0, 100))
def test_what_knows_no_windows_shows_none(seed):
    assert border_ratio(noise(seed), SIDE) == pytest.approx(1, abs=0.1)
    assert corner_ratio(noise(seed), torch.zeros(3, 4, 64, 64), SIDE) == pytest.approx(1, abs=0.2)


@given(st.integers(0, 100), st.floats(0.1, 0.5))
def test_windows_of_their_own_show_the_more_the_less_they_agree(seed, share):
    video = noise(seed)
    some, more = (video + strength * of_windows(seed + 1) for strength in (share, 2 * share))
    assert border_ratio(video, SIDE) < border_ratio(some, SIDE) < border_ratio(more, SIDE)


def test_a_grid_of_another_side_is_not_taken_for_this_one():
    shifted = torch.roll(of_windows(0), (SIDE // 2, SIDE // 2), (2, 3)) + 0.1 * noise(1)
    assert border_ratio(shifted, SIDE) < 1


@given(st.sampled_from([0, 7]), st.sampled_from([0, 7]))
def test_an_error_in_any_corner_counts_and_one_at_the_pictures_edge_does_not(row, column):
    truth, wrong = torch.zeros(3, 4, 64, 64), 0.1 * noise(0)
    wrong[:, :, SIDE:-SIDE, SIDE:-SIDE][:, :, row::SIDE, column::SIDE] *= 3
    # A quarter of the corners has nine times the squared error.
    assert corner_ratio(wrong, truth, SIDE) == pytest.approx(3, rel=0.2)
    outside = wrong.clone()
    outside[:, :, :SIDE] = 1
    outside[..., -SIDE:] = 1
    assert corner_ratio(outside, truth, SIDE) == corner_ratio(wrong, truth, SIDE)


def test_where_there_is_nothing_to_measure_there_is_no_number():
    still = torch.zeros(3, 4, 64, 64)
    assert border_ratio(still, SIDE) is None
    assert border_ratio(noise(0)[..., :8, :8], SIDE) is None
    assert corner_ratio(still, still, SIDE) is None
    assert corner_ratio(noise(0)[..., :16, :16], still[..., :16, :16], SIDE) is None
