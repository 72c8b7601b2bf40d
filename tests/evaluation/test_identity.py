"""Whose colours a figure wears."""

import pytest
import torch

from isa_engine.evaluation.identity import colour_distance, recognised


def wearing(*colours: tuple[float, float, float], count: int = 200) -> torch.Tensor:
    """Pixels of somebody in equal parts of these colours, a little uneven: ``(n, 3)``."""
    generator = torch.Generator().manual_seed(len(colours))
    pixels = torch.tensor(colours).repeat(count // len(colours), 1)
    return pixels + 0.05 * torch.randn(pixels.shape, generator=generator)


RED, BLUE = wearing((0.8, -0.6, -0.6)), wearing((-0.6, -0.6, 0.8), (0.9, 0.9, 0.9))


def scene(left: torch.Tensor, right: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Two figures side by side, and their mask."""
    video, mask = torch.zeros(3, 1, 20, 60), torch.zeros(1, 20, 60, dtype=torch.int64)
    for number, (start, pixels) in enumerate(((5, left), (40, right))):
        video[:, 0, :, start : start + 10] = pixels.flip(0).T.reshape(3, 20, 10)
        mask[0, :, start : start + 10] = number + 1
    return video, mask


def test_figures_in_their_own_clothes_are_recognised():
    assert recognised(*scene(RED, BLUE), [RED, BLUE]) == [True, True]


def test_swapped_identities_are_not():
    assert recognised(*scene(BLUE, RED), [RED, BLUE]) == [False, False]


def test_one_coat_for_both_is_right_for_one():
    assert recognised(*scene(RED, RED), [RED, BLUE]) == [True, False]


def test_who_is_hidden_is_not_asked_about():
    video, mask = scene(RED, BLUE)
    assert recognised(video, mask * (mask != 2), [RED, BLUE]) == [True, None]


def test_the_distance_ignores_where_on_the_body_colours_lie():
    shuffled = BLUE[torch.randperm(len(BLUE), generator=torch.Generator().manual_seed(0))]
    assert colour_distance(BLUE, shuffled) == pytest.approx(0, abs=1e-6)
    assert colour_distance(BLUE, RED) > 0.1


def test_people_in_renders_look_like_their_own_references_more_often_than_like_others(several):
    own, others = [], []
    for clip in several:
        references = clip.reference_colours
        own += [k for k in recognised(clip.clip.video, clip.clip.mask, references) if k is not None]
        swapped = [*references[1:], references[0]]
        others += [k for k in recognised(clip.clip.video, clip.clip.mask, swapped) if k is not None]
    assert sum(own) > sum(others)
