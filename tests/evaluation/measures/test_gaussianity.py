"""Distributions with known moments."""

import pytest
import torch

from isa_engine.evaluation.measures.gaussianity import gaussianity

NORMAL = torch.randn(4, 20000, generator=torch.Generator().manual_seed(0))


def test_a_standard_gaussian_is_one():
    measured = gaussianity(NORMAL)
    assert measured.deviation == pytest.approx(1, abs=0.02)
    far = measured.offset, measured.skewness, measured.excess_kurtosis, measured.correlation
    assert max(map(abs, far)) < 0.1
    assert measured.kolmogorov_smirnov < 0.02


def test_shift_and_scale_show_in_the_first_moments_alone():
    measured, before = gaussianity(3 * NORMAL + 2), gaussianity(NORMAL)
    assert measured.offset == pytest.approx(2, abs=0.05)
    assert measured.deviation == pytest.approx(3 * before.deviation)
    assert measured.kolmogorov_smirnov == pytest.approx(before.kolmogorov_smirnov, abs=1e-6)


def test_a_uniform_distribution_is_none():
    measured = gaussianity(torch.rand(2, 20000, generator=torch.Generator().manual_seed(0)))
    assert measured.excess_kurtosis == pytest.approx(-1.2, abs=0.05)
    # Between the uniform distribution and the Gaussian of its mean and deviation.
    assert measured.kolmogorov_smirnov == pytest.approx(0.057, abs=0.01)


def test_an_exponential_distribution_leans():
    exponential = torch.rand(1, 50000, generator=torch.Generator().manual_seed(0)).log().neg()
    assert gaussianity(exponential).skewness == pytest.approx(2, abs=0.2)


def test_one_channel_told_twice_is_found():
    assert gaussianity(NORMAL[:1].repeat(3, 1)).correlation == pytest.approx(1, abs=1e-6)
