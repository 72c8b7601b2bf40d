"""Chunk after chunk is the whole, in memory that does not grow with length."""

import weakref
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

from isa_engine.errors import ModelError
from isa_engine.vae import VideoVAE
from tests.vae.small_vaes import CONFIGURATIONS, PLAIN, noise_latents, noise_video, small_vae


@st.composite
def chunking(draw) -> list[tuple[int, int]]:
    """Consecutive ranges of latents."""
    count = draw(st.integers(1, 6))
    cuts = draw(st.sets(st.integers(1, count - 1))) if count > 1 else set()
    return list(pairwise([0, *sorted(cuts), count]))


def frames_of(latents: tuple[int, int]) -> slice:
    start, stop = (max(0, 4 * latent - 3) for latent in latents)
    return slice(start, stop)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(CONFIGURATIONS), chunking())
@torch.no_grad()
def test_encoding_in_chunks_is_encoding_the_whole(config, chunks):
    vae = small_vae(config)
    video = noise_video(vae, 4 * chunks[-1][1] - 3)
    state, means, logvars = None, [], []
    for chunk in chunks:
        posterior, state = vae.encode_chunk(video[:, :, frames_of(chunk)], state)
        means.append(posterior.mean)
        logvars.append(posterior.logvar)
    whole = vae.encode(video)
    assert torch.allclose(torch.cat(means, 2), whole.mean, atol=1e-5)
    assert torch.allclose(torch.cat(logvars, 2), whole.logvar, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(CONFIGURATIONS), chunking())
@torch.no_grad()
def test_decoding_in_chunks_is_decoding_the_whole(config, chunks):
    vae = small_vae(config)
    latents = noise_latents(vae, chunks[-1][1])
    state, pieces = None, []
    for chunk in chunks:
        piece, state = vae.decode_chunk(latents[:, :, slice(*chunk)], state)
        assert piece.shape[2] == frames_of(chunk).stop - frames_of(chunk).start
        pieces.append(piece)
    assert torch.allclose(torch.cat(pieces, 2), vae.decode(latents), atol=1e-5)


def test_two_streams_through_one_model_do_not_meet(vae):
    first, second = noise_latents(vae, 3, seed=1), noise_latents(vae, 3, seed=2)
    states, pieces = [None, None], ([], [])
    for latent in range(3):
        for stream, latents in enumerate((first, second)):
            piece, states[stream] = vae.decode_chunk(latents[:, :, latent : latent + 1], states[stream])
            pieces[stream].append(piece)
    assert torch.allclose(torch.cat(pieces[0], 2), vae.decode(first), atol=1e-5)
    assert torch.allclose(torch.cat(pieces[1], 2), vae.decode(second), atol=1e-5)


def test_a_state_can_be_used_again(vae):
    latents = noise_latents(vae, 2)
    _, state = vae.decode_chunk(latents[:, :, :1], None)
    once, _ = vae.decode_chunk(latents[:, :, 1:], state)
    again, _ = vae.decode_chunk(latents[:, :, 1:], state)
    assert torch.equal(once, again)


def test_a_chunk_of_another_size_is_refused(vae):
    _, state = vae.decode_chunk(noise_latents(vae, 1), None)
    with pytest.raises(ModelError, match="another batch or picture size"):
        vae.decode_chunk(noise_latents(vae, 1, rows=3), state)


class LiveBytes(TorchDispatchMode):
    """Counts the bytes of all tensors alive at once that operations have made inside it."""

    def __init__(self):
        super().__init__()
        self.now = self.peak = 0
        self._alive: dict[int, int] = {}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for tensor in tree_iter(result):
            if isinstance(tensor, torch.Tensor):
                self._watch(tensor.untyped_storage())
        return result

    def _watch(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        if key in self._alive:
            return
        self._alive[key] = storage.nbytes()
        self.now += storage.nbytes()
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._forget, key)

    def _forget(self, key: int) -> None:
        self.now -= self._alive.pop(key)


def peak_of_streamed_decode(vae: VideoVAE, frames: int) -> int:
    with LiveBytes() as live:
        state = None
        for _ in range(1 + (frames - 1) // 4):
            _, state = vae.decode_chunk(torch.zeros(1, 4, 1, 2, 2), state)
    return live.peak


def test_a_stream_of_385_frames_needs_no_more_memory_than_one_of_97():
    vae = small_vae(PLAIN)
    short, long = (peak_of_streamed_decode(vae, frames) for frames in (97, 385))
    assert short <= long <= 1.05 * short
    with LiveBytes() as live:
        vae.decode(torch.zeros(1, 4, 25, 2, 2))
    assert live.peak > 5 * short, "the measure sees no activations"
