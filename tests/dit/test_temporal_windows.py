"""Attention across time in windows: the whole where a window covers it, and beyond that as much as a window
and no more at a time.
"""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_engine.configuration import isa_tiny
from isa_engine.geometry.frames import latent_count
from isa_engine.geometry.temporal_windows import TemporalWindows, temporal_windows
from tests.dit.small_models import SMALL, inputs, transformer

WINDOWED = {"temporal_window": 3, "temporal_stride": 2}


@given(st.integers(2, 60), st.integers(1, 12), st.integers(1, 12))
def test_windows_cover_every_latent_and_pieces_follow_one_another(total, window, stride):
    if window >= total or stride > window:
        return
    windows = TemporalWindows(total, window, stride, 0)
    covered = {latent for start in windows.starts for latent in range(start, start + window)}
    assert covered == set(range(total))
    ends = [0, *(last for _, last in windows.pieces)]
    assert [first for first, _ in windows.pieces] == ends[:-1]
    assert ends[-1] == total


def test_isa_tiny_sees_all_of_what_it_was_trained_on_at_once():
    dit = isa_tiny().dit
    windows = dit.temporal_window, dit.temporal_stride, dit.temporal_anchor
    assert temporal_windows(latent_count(33), *windows) is None
    assert temporal_windows(latent_count(34), *windows).starts == [0, 1]


@pytest.mark.parametrize("latents", [1, 2, 3])
def test_where_a_window_covers_the_video_nothing_changes_bit_for_bit(latents):
    given = inputs(latents=latents)
    assert torch.equal(transformer(**WINDOWED)(*given), transformer()(*given))


@pytest.mark.parametrize("conditioning", ["isa", "isa-without-ispe", "controlnet-2d"])
@pytest.mark.parametrize("readout", ["velocity", "background"])
def test_a_window_over_all_by_its_streams_equals_the_whole(monkeypatch, conditioning, readout):
    """One window, that the streams take for many: only the first latent's frames are told otherwise."""
    made = {"conditioning": conditioning, "readout": readout, "identity_splat": conditioning == "isa"}
    whole, streamed = transformer(**made), transformer(**made)
    monkeypatch.setattr(streamed, "windows", lambda latents: TemporalWindows(latents, latents, latents, 0))
    given = inputs(replace(SMALL, conditioning=conditioning), latents=4)
    torch.testing.assert_close(streamed(*given), whole(*given), atol=1e-5, rtol=1e-5)


def test_with_silent_temporal_branches_windows_change_nothing():
    """All else is within a latent, so pieces must not change it."""
    models = transformer(), transformer(**WINDOWED)
    for model in models:
        for block in model.transformer_blocks:
            for branch in (block.temporal, block.point_temporal):
                torch.nn.init.zeros_(branch.attention.to_out.weight)
                torch.nn.init.zeros_(branch.attention.to_out.bias)
    given = inputs(latents=8)
    whole, windowed = (model(*given) for model in models)
    torch.testing.assert_close(windowed, whole, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("anchor", [0, 1, 2])
def test_a_layer_carries_a_change_a_window_far_and_the_anchors_everywhere(anchor):
    model = transformer(layers=1, **WINDOWED, temporal_anchor=anchor)
    x, time, conditioning = inputs(latents=9)
    before = model(x, time, conditioning)
    for latent in (0, 4):
        changed = x.clone()
        changed[:, :, latent] += 1
        after = model(changed, time, conditioning)
        moved = {j for j in range(9) if not torch.allclose(before[:, :, j], after[:, :, j], atol=1e-6)}
        near = {j for s in (0, 2, 4, 6) if s <= latent < s + 3 for j in range(s, s + 3)}
        assert moved == (set(range(9)) if latent < anchor else near)


def test_the_clocks_of_two_windows_are_one():
    """What stands still gives the same in every window but the first, whose first latent is one frame."""
    model = transformer(layers=1, **WINDOWED)
    x, time, conditioning = inputs(latents=9)
    still = replace(
        conditioning,
        **{
            name: getattr(conditioning, name)[:, :1].expand_as(getattr(conditioning, name))
            for name in ("points", "ndc", "cameras")
        },
        background_latents=conditioning.background_latents[:, :, :1].expand_as(x),
    )
    found = model(x[:, :, :1].expand_as(x).contiguous(), time, still)
    # Latents 3 and 5 lie alike in the windows that begin at 2 and at 4.
    torch.testing.assert_close(found[:, :, 3], found[:, :, 5])


def test_points_that_are_kept_are_read_in_windows_too():
    model = transformer(**WINDOWED)
    given, points = inputs(latents=7), []
    with torch.inference_mode():
        whole = model.predict(*given, points)[0]
        assert torch.equal(model.predict(*given, points)[0], whole)
        points.reverse()
        assert len(points) == 2 * len(TemporalWindows(7, 3, 2, 0).starts)


@settings(deadline=None, max_examples=10)
@given(st.integers(12, 40))
def test_no_more_is_held_than_a_few_windows_a_layer(latents):
    model = transformer(**WINDOWED)
    given, held = inputs(latents=latents, height=2, width=2, batch=1), []
    waiting = 0

    def counted(part, *rest):
        nonlocal waiting
        waiting += 1
        return embedded(part, *rest)

    embedded, model._embedded = model._embedded, counted
    with torch.inference_mode():
        for _ in model.pieces(*given):
            held.append(waiting)
            waiting -= 1
    # Each of two layers waits for a window of three, in pieces of two, and the one that is being read.
    assert max(held) <= 2 * 2 + 2
