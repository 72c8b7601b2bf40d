"""The matte head sees what the decoder sees: causal, streamed as whole, an alpha for each pixel and frame."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from isa_engine.vae import MatteHead

LATENTS = torch.randn(2, 4, 6, 3, 5, generator=torch.Generator().manual_seed(0))


def matte_head() -> MatteHead:
    torch.manual_seed(0)
    return MatteHead(4, 8, width=16, layers=2, norm_groups=4)


def test_each_frame_and_pixel_has_an_alpha():
    assert matte_head()(LATENTS).shape == (2, 1, 21, 24, 40)
    assert matte_head()(LATENTS[:, :, :1]).shape == (2, 1, 1, 24, 40)


def test_later_latents_change_no_earlier_alpha():
    head, changed = matte_head(), LATENTS.clone()
    changed[:, :, 3] += 1
    with torch.no_grad():
        before, after = head(LATENTS), head(changed)
    assert torch.equal(before[:, :, :9], after[:, :, :9])
    assert not torch.equal(before[:, :, 9:13], after[:, :, 9:13])


@given(st.sets(st.integers(1, LATENTS.shape[2] - 1)))
def test_streamed_equals_whole(cuts):
    head, state, streamed = matte_head(), None, []
    with torch.no_grad():
        for chunk in LATENTS.tensor_split(sorted(cuts), 2):
            logits, state = head.decode_chunk(chunk, state)
            streamed.append(logits)
        assert torch.allclose(torch.cat(streamed, 2), head(LATENTS), atol=1e-5)
