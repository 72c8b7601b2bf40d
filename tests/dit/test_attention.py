"""Attention within many and short groups: the same answer, and never more groups than a kernel takes."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import isa_engine.dit.attention as module
import isa_engine.training
from isa_engine.configuration import model_config
from isa_engine.dit import ISADiT
from isa_engine.dit.attention import Attention, is_short, one_by_one
from isa_engine.training.configuration import read_configuration
from isa_engine.training.sprint.recipe import SprintTraining
from tests.dit.small_models import inputs

# The most blocks that CUDA starts along a grid's second and third axes.
CUDA_GRID = 65_535
RECIPES = Path(isa_engine.training.__file__).parent / "recipes"


def reference(queries, keys, values, seen):
    """Eq. 4 in double precision, a head at a time."""
    queries, keys, values = (part.transpose(2, 3).double() for part in (queries, keys, values))
    scores = queries @ keys.mT / queries.shape[-1] ** 0.5
    if seen is not None:
        scores = scores.masked_fill(~seen[:, :, None], -torch.inf)
    return (scores.softmax(-1) @ values).transpose(2, 3)


@settings(deadline=None, max_examples=40)
@given(
    sizes=st.tuples(*[st.integers(1, 4)] * 5),
    heads=st.integers(1, 3),
    masked=st.sampled_from([None, "keys", "pairs"]),
    seed=st.integers(0, 2**32),
)
def test_short_attention_equals_eq_4_and_the_kernels_of_long(sizes, heads, masked, seed):
    batch, groups, n, m, head = sizes
    generator = torch.Generator().manual_seed(seed)

    def random(length):
        return torch.randn((batch, groups, length, heads, head), generator=generator)

    tensors = random(n), random(m), random(m)
    seen = None
    if masked:
        seen = torch.rand((batch, groups, n if masked == "pairs" else 1, m), generator=generator) < 0.5
        seen[..., 0] = True
    expected = reference(*tensors, seen).float()
    torch.testing.assert_close(one_by_one(*tensors, seen), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(module._dispatched(*tensors, seen), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("masked", [False, True])
def test_many_groups_are_attended_to_in_turns_and_lose_none(monkeypatch, masked):
    torch.manual_seed(0)
    attention = Attention(16, heads=2, qk_norm=False, maskable=masked)
    x = torch.randn(3, 5, 7, 16, requires_grad=True)
    seen = torch.rand(3, 5, 7) < 0.7 if masked else None
    whole = attention(x, x, seen)
    gradient = torch.autograd.grad(whole.square().sum(), x)[0]
    monkeypatch.setattr(module, "_MOST_GROUPS", 4)
    turns = attention(x, x, seen)
    torch.testing.assert_close(turns, whole)
    torch.testing.assert_close(torch.autograd.grad(turns.square().sum(), x)[0], gradient)


@pytest.fixture
def calls(monkeypatch) -> list[int]:
    """Groups of each call of a kernel."""
    groups = []

    def spy(queries, keys, values, attn_mask=None):
        groups.append(len(queries))
        return torch.empty_like(queries)

    monkeypatch.setattr(module, "dispatch_attention_fn", spy)
    return groups


@pytest.mark.parametrize("frames", [1, 9, 17, 33])
@pytest.mark.parametrize("name", ["isa-tiny/dit", "sprint/isa-tiny-wide", "sprint/isa-small"])
def test_the_recipes_for_a_gpu_start_no_kernel_that_cuda_refuses(calls, name, frames):
    """Their batches of their lengths, with four people in a clip."""
    recipe = read_configuration(RECIPES / f"{name}.toml", SprintTraining)
    model = recipe.model
    config = replace(model_config(model).dit, points=recipe.most_points, layers=1)
    latents = (frames + 3) // 4
    with torch.device("meta"):
        network = ISADiT(**asdict(config))
    side = model_config(model).short_side // model_config(model).vae.spatial_compression
    sizes = {"batch": recipe.batch // latents, "latents": latents, "height": side, "width": side}
    network(*inputs(config, **sizes, characters=4, image_tokens=17, device="meta"))
    assert calls
    assert max(calls) <= CUDA_GRID


def test_a_picture_of_128_clips_of_four_people_has_more_groups_than_cuda_takes():
    """Why: 128 · 4 · 128 points of a single frame, each a group of its own."""
    assert CUDA_GRID < 128 * 4 * 128
    assert is_short(1, 2)
