"""Jumps between latent frames."""

import pytest
import torch

from isa_engine.evaluation.measures.seams import seam_ratio

STEADY = torch.linspace(-1, 1, 17).view(1, 17, 1, 1).expand(3, 17, 4, 4)


def test_a_steady_change_has_no_seams():
    assert seam_ratio(STEADY) == pytest.approx(1, rel=1e-4)


def test_a_jump_where_each_latent_begins_is_measured():
    # Latents begin at frames 1, 5, 9 and 13; each jump is as large as the steady change.
    jumps = torch.zeros(17)
    jumps[[1, 5, 9, 13]] = 2 / 16
    video = STEADY + jumps.cumsum(0).view(1, 17, 1, 1)
    assert seam_ratio(video) == pytest.approx(2, rel=1e-4)


def test_a_jump_within_a_latent_is_no_seam():
    assert seam_ratio(STEADY + 2 * (torch.arange(17) >= 7).view(1, 17, 1, 1)) < 0.5


def test_a_still_picture_has_nothing_to_measure():
    assert seam_ratio(STEADY[:, :1].expand(3, 17, 4, 4)) is None
