"""Rendering by the points near a token, and by one pooled token a character."""

from dataclasses import asdict, replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_engine.configuration import model_config
from isa_engine.dit import ISADiT
from isa_engine.dit.isa_transformer import ISATransformer
from isa_engine.dit.near_points import NearPoints, near_points
from isa_engine.dit.point_windows import to_windows
from isa_engine.errors import ModelError
from isa_engine.geometry.temporal_windows import TemporalWindows
from tests.dit.small_models import SMALL, hidden, inputs, permuted, transformer

D, POINTS = SMALL.width, SMALL.points
NEAR = {"rendering_radius": 0.3}


@torch.no_grad()
def rendered(conditioning, near):
    """The video tokens of one ISA layer, before tokens and projections that say something."""
    torch.manual_seed(0)
    isa, modulation = ISATransformer(D, heads=4, qk_norm=False, last=True), torch.ones(2, 6, D)
    video, points = torch.randn(2, 3, 12, D), torch.randn(*conditioning.visible.shape, D)
    ispe = torch.randn(12, D), torch.randn_like(points)
    return isa(video, points, modulation, modulation, conditioning.visible, ispe, near)[0]


@pytest.mark.parametrize("all_seen", [True, False])
def test_a_radius_over_all_without_pooled_tokens_is_the_whole_bit_for_bit(all_seen):
    conditioning = inputs()[2]
    if not all_seen:
        conditioning = hidden(conditioning, (slice(None), slice(2, 6), slice(3, 9)))
    found = near_points(conditioning, radius=torch.inf)
    alone = NearPoints(found.seen[..., : 4 * 2 * POINTS], found.shares[:, :, :0])
    assert torch.equal(rendered(conditioning, alone), rendered(conditioning, None))
    assert not torch.allclose(rendered(conditioning, found), rendered(conditioning, None), atol=1e-3)


@settings(deadline=None, max_examples=20)
@given(st.floats(0, 3), st.integers(0, 2**31))
def test_a_token_sees_the_visible_points_within_the_radius_and_no_others(radius, seed):
    conditioning = inputs()[2]
    random = torch.Generator().manual_seed(seed)
    conditioning = replace(conditioning, visible=torch.rand(2, 9, 12, generator=random) < 0.7)
    seen = near_points(conditioning, radius).seen
    for latent, frames in enumerate(([0, 0, 0, 0], [1, 2, 3, 4], [5, 6, 7, 8])):
        for token, (row, column) in enumerate((r, c) for r in range(4) for c in range(3)):
            centre = torch.tensor([2 * (column + 0.5) / 3 - 1, 1 - 2 * (row + 0.5) / 4])
            away = (conditioning.ndc[:, frames, :, :2] - centre).square().sum(-1).sqrt()
            clear = (away - radius).abs() > 1e-5
            expected = (away <= radius) & conditioning.visible[:, frames]
            told = seen[:, latent, token, : 4 * 12].unflatten(-1, (4, 12))
            assert torch.equal(told & clear, expected & clear)


def test_a_pooled_token_is_the_mean_of_its_characters_visible_points():
    conditioning = hidden(inputs()[2], (slice(None), slice(1, 5), slice(0, 4)))
    conditioning = hidden(conditioning, (slice(None), slice(5, 9), slice(POINTS, None)))
    found = near_points(conditioning, radius=0.3)
    tokens = torch.randn(2, 9, 2 * POINTS, D)
    pooled = found.pooled(to_windows(tokens))
    torch.testing.assert_close(pooled[:, 1, 0], tokens[:, 1:5, 4:POINTS].mean((1, 2)))
    torch.testing.assert_close(pooled[:, 0, 1], tokens[:, 0, POINTS:].mean(1))
    assert not pooled[:, 2, 1].any()
    there = found.seen[..., 4 * 2 * POINTS :]
    assert torch.equal(there.all(2), there.any(2))
    assert there.all(2)[0].tolist() == [[True, True], [True, True], [True, False]]


def test_far_from_all_points_a_token_sees_the_pooled_tokens_alone():
    """So in the last layer, whose points nobody moves, it does not matter where they stand."""
    model = transformer(layers=1, **NEAR)
    x, time, conditioning = inputs()
    left, right = conditioning.ndc.clone(), conditioning.ndc.clone()
    left[..., 0], right[..., 0] = -5, 5
    told = [model(x, time, replace(conditioning, ndc=ndc)) for ndc in (left, right)]
    assert torch.equal(*told)
    # Who stands there does.
    other = replace(conditioning, ndc=left, points=conditioning.points + 1)
    assert not torch.allclose(told[0], model(x, time, other), atol=1e-3)


def test_the_order_of_points_does_not_matter():
    model, (x, time, conditioning) = transformer(**NEAR), inputs()
    order = torch.randperm(2 * POINTS, generator=torch.Generator().manual_seed(0))
    shuffled = model(x, time, permuted(conditioning, order))
    torch.testing.assert_close(shuffled, model(x, time, conditioning), atol=1e-5, rtol=1e-5)


def test_a_character_of_whom_nothing_is_seen_has_no_influence():
    model, (x, time, conditioning) = transformer(**NEAR), inputs()
    gone = hidden(conditioning, (slice(None), slice(None), slice(POINTS, None)))
    names = {"points": 2, "ndc": 2, "visible": 2, "identity": 1, "identity_known": 1, "owners": 2}
    alone = {name: getattr(conditioning, name).narrow(axis, 0, POINTS) for name, axis in names.items()}
    alone["owners"] = alone["owners"][:, :1]
    expected = model(x, time, replace(conditioning, **alone))
    torch.testing.assert_close(model(x, time, gone), expected, atol=1e-5, rtol=1e-5)


def test_in_windows_of_time_each_latent_has_its_own_near_points(monkeypatch):
    whole, streamed = transformer(**NEAR), transformer(**NEAR)
    monkeypatch.setattr(streamed, "windows", lambda latents: TemporalWindows(latents, latents, latents, 0))
    given = inputs(latents=4)
    torch.testing.assert_close(streamed(*given), whole(*given), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("model", ["isa-tiny", "isa-4b"])
def test_a_models_weights_are_those_of_its_variant(model):
    with torch.device("meta"):
        shapes = [
            {name: tensor.shape for name, tensor in ISADiT(**asdict(config)).state_dict().items()}
            for config in (model_config(model).dit, model_config(f"{model}-near").dit)
        ]
    assert shapes[0] == shapes[1]


def test_points_of_nobody_are_refused():
    x, time, conditioning = inputs()
    conditioning = replace(conditioning, owners=conditioning.owners[:, :0])
    assert transformer()(x, time, conditioning).isfinite().all()
    with pytest.raises(ModelError, match=r"whose points are whose.*owners"):
        transformer(**NEAR)(x, time, conditioning)


def test_whose_a_point_is_has_its_say():
    model, (x, time, conditioning) = transformer(**NEAR), inputs()
    other = replace(conditioning, owners=conditioning.owners.roll(1, -1))
    assert not torch.allclose(model(x, time, conditioning), model(x, time, other), atol=1e-3)
