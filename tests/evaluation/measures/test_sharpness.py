"""Sharpness: blur loses it, noise does not win it."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from isa_engine.evaluation.measures.fidelity import psnr
from isa_engine.evaluation.measures.sharpness import detail, sharpness


def picture(seed: int = 0, frames: int = 2) -> torch.Tensor:
    """Blocks of colour with edges anywhere, ``(3, frames, 64, 64)``."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(frames, 3, 11, 11, generator=generator) * 2 - 1
    return F.interpolate(coarse, (64, 64), mode="nearest").movedim(0, 1)


def blurred(video: torch.Tensor, passes: int) -> torch.Tensor:
    """By 1, 2, 1 on either axis, so many times; no frequency changes its sign by it."""
    frames = video.movedim(1, 0)
    for _ in range(passes):
        frames = F.avg_pool2d(F.pad(frames, (1, 1, 1, 1), mode="replicate"), 2, 1)
        frames = F.avg_pool2d(frames, 2, 1)
    return frames.movedim(0, 1)


def test_a_picture_is_as_sharp_as_itself():
    assert sharpness(picture(), picture()) == pytest.approx(1)


@given(st.integers(0, 100))
def test_each_blur_loses_sharpness(seed):
    truth = picture(seed)
    found = [sharpness(blurred(truth, passes), truth) for passes in range(4)]
    assert found == sorted(found, reverse=True)
    assert found[1] < 0.6


@given(st.integers(0, 100), st.floats(0.02, 0.3))
def test_noise_does_not_raise_it_and_costs_psnr(seed, strength):
    truth = picture(seed, frames=8)
    soft = blurred(truth, 1)
    noise = torch.randn(soft.shape, generator=torch.Generator().manual_seed(seed + 1)) * strength
    assert sharpness(soft + noise, truth) == pytest.approx(sharpness(soft, truth), abs=0.03)
    assert psnr(soft + noise, truth) < psnr(soft, truth)


def test_the_blur_that_psnr_prefers_loses():
    truth = picture(frames=8)
    noise = torch.randn(truth.shape, generator=torch.Generator().manual_seed(1)) * 0.5
    rough, smooth = truth + noise, blurred(truth + noise, 1)
    assert psnr(smooth, truth) > psnr(rough, truth)
    assert sharpness(smooth, truth) < sharpness(rough, truth)


@given(st.floats(0.1, 2))
def test_it_is_the_strength_of_the_detail(strength):
    truth = picture()
    soft = F.pad(truth.movedim(1, 0), (2, 2, 2, 2), mode="replicate").movedim(0, 1)
    changed = truth + (strength - 1) * detail(soft).movedim(0, 1).float()
    below, above = sorted((1.0, strength))
    assert below - 1e-4 <= sharpness(changed, truth) <= above + 1e-4


def test_an_even_picture_has_no_detail_to_keep():
    assert sharpness(picture(), torch.full((3, 2, 64, 64), 0.3)) is None
