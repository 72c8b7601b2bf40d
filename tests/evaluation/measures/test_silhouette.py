"""Keyed figures and their overlap."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from isa_engine.evaluation.measures.silhouette import iou, keyed, tolerance

SCREEN = torch.tensor([-1.0, 1.0, -1.0])


def square(left: int, side: int = 10) -> torch.Tensor:
    mask = torch.zeros(1, 32, 64, dtype=torch.bool)
    mask[:, 5 : 5 + side, left : left + side] = True
    return mask


def before_the_screen(mask: torch.Tensor, colour: tuple[float, float, float]) -> torch.Tensor:
    figure = torch.tensor(colour).view(3, 1, 1, 1)
    return torch.where(mask, figure, SCREEN.view(3, 1, 1, 1))


@given(shift=st.integers(0, 40))
def test_a_shifted_silhouette_scores_what_is_left_of_the_overlap(shift):
    common = max(0, 10 - shift) * 10
    assert iou(square(5), square(5 + shift)) == pytest.approx(common / (200 - common))


def test_two_empty_silhouettes_agree_and_an_empty_one_misses_all():
    nothing = torch.zeros_like(square(0))
    assert iou(nothing, nothing) == 1
    assert iou(nothing, square(0)) == 0


def test_the_key_finds_the_figure_and_leaves_a_noisy_screen():
    mask = square(20)
    video = before_the_screen(mask, (0.6, -0.4, 0.1))
    noisy = video + 0.1 * torch.randn(video.shape, generator=torch.Generator().manual_seed(0))
    assert torch.equal(keyed(noisy, SCREEN, tolerance(video, SCREEN, mask)), mask)


def test_an_edge_is_where_the_figure_covers_half():
    mask = square(20)
    clean = before_the_screen(mask, (0.6, -0.4, 0.1))
    at = tolerance(clean, SCREEN, mask)
    for cover, found in ((0.4, False), (0.6, True)):
        video = torch.lerp(SCREEN.view(3, 1, 1, 1).expand_as(clean), clean, cover)
        assert keyed(video, SCREEN, at)[mask].all() == found


def test_the_render_is_keyed_to_its_own_mask_and_shifting_it_costs(one):
    for clip in one:
        truth = keyed(clip.clip.video, clip.screen, clip.tolerance)
        assert iou(truth, clip.mask) > 0.8
        assert iou(truth.roll(6, -1), clip.mask) < iou(truth, clip.mask) - 0.2
