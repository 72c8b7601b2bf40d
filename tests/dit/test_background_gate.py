"""A gate leads a picture back to what is known of it: its background, and the cast reprojected before it."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from isa_engine.dit.background_gate import BackgroundGate, gated, somebody
from tests.dit.small_models import inputs


def before_a_background():
    """An estimate, the cast's latents, and conditions in which the cast is before the background's left."""
    estimate, _, conditioning = inputs()
    background = conditioning.background_latents
    cast = background + 1
    shown = torch.cat([cast[..., :2], background[..., 2:]], -1)
    return estimate, cast, replace(conditioning, reprojected_latents=shown)


def pictures(seed: int, *shape: int) -> list[torch.Tensor]:
    return [torch.randn(shape, generator=torch.Generator().manual_seed(seed + k)) for k in range(2)]


@given(seed=st.integers(0, 2**31), gate=st.floats(0, 1))
def test_it_is_between_what_is_known_and_the_estimate(seed, gate):
    estimate, known = pictures(seed, 2, 3, 2, 4, 4)
    found = gated(estimate, torch.full((2, 1, 2, 4, 4), gate), known)
    torch.testing.assert_close(found, gate * estimate + (1 - gate) * known)


def test_shut_it_leaves_what_is_known_and_open_the_estimate():
    estimate, known = pictures(0, 1, 3, 1, 4, 4)
    gate = torch.zeros(1, 1, 1, 4, 4)
    gate[..., 2:] = 1
    found = gated(estimate, gate, known)
    torch.testing.assert_close(found[..., :2], known[..., :2])
    torch.testing.assert_close(found[..., 2:], estimate[..., 2:])


def test_shut_it_leaves_the_cast_as_reprojected_and_the_background_where_nobody_is():
    estimate, cast, conditioning = before_a_background()
    found = gated(estimate, torch.zeros_like(estimate[:, :1]), conditioning.reprojected_latents)
    torch.testing.assert_close(found[..., :2], cast[..., :2])
    torch.testing.assert_close(found[..., 2:], conditioning.background_latents[..., 2:])


def test_somebody_is_where_the_cast_is_reprojected_and_nowhere_else():
    _, cast, conditioning = before_a_background()
    there = somebody(conditioning)
    assert there.shape == cast[:, :1].shape
    assert (there[..., :2] > 0.99).all()
    assert not there[..., 2:].any()
    assert not somebody(conditioning.without_background()).any()
    assert not somebody(replace(conditioning, reprojected_latents=conditioning.background_latents)).any()


def test_somebody_who_is_hardly_to_be_told_from_the_background_counts_for_little():
    _, _, conditioning = before_a_background()
    background = conditioning.background_latents
    counts = [
        somebody(replace(conditioning, reprojected_latents=background + aside)).mean().item()
        for aside in (0.0, 0.01, 0.05, 0.1, 0.3)
    ]
    assert counts == sorted(set(counts))
    assert counts[1] < 0.05


def test_a_video_without_a_background_is_not_gated_beside_one_that_has_one():
    estimate, background = pictures(0, 2, 3, 1, 4, 4)
    background[1] = 0
    found = gated(estimate, torch.zeros(2, 1, 1, 4, 4), background)
    torch.testing.assert_close(found[0], background[0])
    assert torch.equal(found[1], estimate[1])


def gate_and_tokens(patch):
    torch.manual_seed(0)
    gate = BackgroundGate(width=6, patch=patch)
    torch.nn.init.normal_(gate.linear.weight)
    return gate, torch.randn(2, 3, 4, 5, 6), torch.rand(2)


@pytest.mark.parametrize("patch", [1, 2, 3])
def test_each_latent_pixel_is_gated_by_its_own_token(patch):
    gate, tokens, time = gate_and_tokens(patch)
    known = torch.rand(2, 1, 3, 4 * patch, 5 * patch)
    before = gate(tokens, time, known)
    assert before.shape == (2, 1, 3, 4 * patch, 5 * patch)
    assert ((before > 0) & (before < 1)).all()
    tokens[1, 2, 3, 1] += 1
    changed = gate(tokens, time, known) != before
    token = changed[1, 0, 2, 3 * patch : 4 * patch, patch : 2 * patch]
    assert token.all()
    assert changed.sum() == patch**2


@pytest.mark.parametrize("patch", [1, 2, 3])
def test_each_token_is_told_of_whoever_is_known_at_its_own_latent_pixels(patch):
    gate, tokens, time = gate_and_tokens(patch)
    known = torch.zeros(2, 1, 3, 4 * patch, 5 * patch)
    before = gate(tokens, time, known)
    known[1, 0, 2, 4 * patch - 1, patch] = 1
    changed = gate(tokens, time, known) != before
    assert changed[1, 0, 2, 3 * patch :, patch : 2 * patch].all()
    assert changed.sum() == patch**2


@pytest.mark.parametrize("patch", [1, 2])
def test_the_places_that_a_token_is_told_of_lie_as_those_that_it_gates(patch):
    gate = BackgroundGate(width=1, patch=patch)
    with torch.no_grad():
        gate.linear.weight.zero_()
        gate.linear.weight[:, 2:] = torch.eye(patch**2)
        gate.linear.bias.zero_()
    known = torch.rand(1, 1, 2, 3 * patch, 2 * patch)
    found = gate(torch.zeros(1, 2, 3, 2, 1), torch.ones(1), known)
    torch.testing.assert_close(found, known.sigmoid())


@pytest.mark.parametrize("patch", [1, 2])
def test_the_places_of_a_token_lie_as_the_transformer_unfolds_them(patch):
    """Its first number is the upper left latent pixel's, then along the row."""
    gate = BackgroundGate(width=1, patch=patch)
    with torch.no_grad():
        gate.linear.weight.zero_()
        gate.linear.bias.copy_(torch.arange(patch**2))
    nobody = torch.zeros(1, 1, 1, patch, patch)
    found = gate(torch.zeros(1, 1, 1, 1, 1), torch.ones(1), nobody)[0, 0, 0]
    assert torch.equal(found.flatten(), torch.arange(patch**2).float().sigmoid())


def test_a_fresh_gate_is_nearly_open_everywhere():
    gate = BackgroundGate(width=8, patch=2)
    found = gate(torch.randn(1, 2, 3, 3, 8) * 10, torch.ones(1), torch.rand(1, 1, 2, 6, 6))
    assert found.min() == found.max() > 0.85
