"""A gate leads a picture back to its background where nobody is, and nowhere else."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from isa_engine.dit.background_gate import BackgroundGate, gated


def pictures(seed: int, *shape: int) -> list[torch.Tensor]:
    return [torch.randn(shape, generator=torch.Generator().manual_seed(seed + k)) for k in range(2)]


@given(seed=st.integers(0, 2**31), gate=st.floats(0, 1))
def test_it_is_between_background_and_estimate(seed, gate):
    estimate, background = pictures(seed, 2, 3, 2, 4, 4)
    found = gated(estimate, torch.full((2, 1, 2, 4, 4), gate), background)
    torch.testing.assert_close(found, gate * estimate + (1 - gate) * background)


def test_shut_it_leaves_the_background_and_open_the_estimate():
    estimate, background = pictures(0, 1, 3, 1, 4, 4)
    gate = torch.zeros(1, 1, 1, 4, 4)
    gate[..., 2:] = 1
    found = gated(estimate, gate, background)
    torch.testing.assert_close(found[..., :2], background[..., :2])
    torch.testing.assert_close(found[..., 2:], estimate[..., 2:])


def test_a_video_without_a_background_is_not_gated_beside_one_that_has_one():
    estimate, background = pictures(0, 2, 3, 1, 4, 4)
    background[1] = 0
    found = gated(estimate, torch.zeros(2, 1, 1, 4, 4), background)
    torch.testing.assert_close(found[0], background[0])
    assert torch.equal(found[1], estimate[1])


@pytest.mark.parametrize("patch", [1, 2, 3])
def test_each_latent_pixel_is_gated_by_its_own_token(patch):
    torch.manual_seed(0)
    gate = BackgroundGate(width=6, patch=patch)
    torch.nn.init.normal_(gate.linear.weight)
    tokens, time = torch.randn(2, 3, 4, 5, 6), torch.rand(2)
    before = gate(tokens, time)
    assert before.shape == (2, 1, 3, 4 * patch, 5 * patch)
    assert ((before > 0) & (before < 1)).all()
    tokens[1, 2, 3, 1] += 1
    changed = gate(tokens, time) != before
    token = changed[1, 0, 2, 3 * patch : 4 * patch, patch : 2 * patch]
    assert token.all()
    assert changed.sum() == patch**2


@pytest.mark.parametrize("patch", [1, 2])
def test_the_places_of_a_token_lie_as_the_transformer_unfolds_them(patch):
    """Its first number is the upper left latent pixel's, then along the row."""
    gate = BackgroundGate(width=1, patch=patch)
    with torch.no_grad():
        gate.linear.weight.zero_()
        gate.linear.bias.copy_(torch.arange(patch**2))
    found = gate(torch.zeros(1, 1, 1, 1, 1), torch.ones(1))[0, 0, 0]
    assert torch.equal(found.flatten(), torch.arange(patch**2).float().sigmoid())


def test_a_fresh_gate_is_nearly_open_everywhere():
    gate = BackgroundGate(width=8, patch=2)
    found = gate(torch.randn(1, 2, 3, 3, 8) * 10, torch.ones(1))
    assert found.min() == found.max() > 0.85
