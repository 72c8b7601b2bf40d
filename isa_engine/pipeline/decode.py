"""Latents to frames: a take whole, or a span of it that equals the same frames of the whole, bit for bit.

The decoders are causal streams with a finite memory. A span's stream begins early enough that whatever it
remembers when its own frames come was computed as in the whole's, in pieces of the same size.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from isa_engine.geometry.frames import (
    DECODED_AT_ONCE,
    TEMPORAL_COMPRESSION,
    frames_before,
    segment_latents,
)
from isa_engine.pipeline.matte import alpha_pictures
from isa_engine.pipeline.model import Model
from isa_engine.pipeline.painter import Span
from isa_engine.pipeline.pictures import to_frames
from isa_engine.pipeline.progress import Progress, Report
from isa_engine.shot import Shot
from isa_engine.vae.causal_conv import CausalConv3d
from isa_engine.vae.tiling import TiledVAE
from isa_engine.vae.video_vae import State

# Latent pixels of a tile's side; bounds the memory of a large canvas.
_TILE = 128
# As ``VideoVAE.decode_chunk``, of normalised latents, to pictures.
ChunkDecoder = Callable[[Tensor, Any], tuple[Tensor, Any]]


@torch.inference_mode()
def decode_plate(
    latents: Tensor,
    model: Model,
    shot: Shot,
    span: Span | None = None,
    report: Report = lambda progress: None,
) -> Iterator[np.ndarray]:
    """Frames ``(H, W, 3)`` uint8 of a span, or of the whole take.

    Args:
        latents: of the whole take, normalised, as ``denoise`` gives them.
    """
    tiled = TiledVAE(model.vae, _TILE)

    def decode_chunk(chunk: Tensor, state: Any) -> tuple[Tensor, Any]:
        return tiled.decode_chunk(model.vae.denormalise(chunk), state)

    yield from _decode(latents, decode_chunk, model.vae.decoder, shot, span, report)


@torch.inference_mode()
def decode_matte(latents: Tensor, model: Model, shot: Shot, span: Span | None = None) -> Iterator[np.ndarray]:
    """As ``decode_plate``, white where the cast is: as the matte head sees it in the latents."""

    def decode_chunk(chunk: Tensor, state: State | None) -> tuple[Tensor, State]:
        logits, state = model.matte_head.decode_chunk(model.vae.denormalise(chunk), state)
        return alpha_pictures(logits), state

    yield from _decode(latents, decode_chunk, model.matte_head, shot, span, lambda progress: None)


def _decode(
    latents: Tensor,
    decode_chunk: ChunkDecoder,
    network: nn.Module,
    shot: Shot,
    span: Span | None,
    report: Report,
) -> Iterator[np.ndarray]:
    wanted = span or (0, latents.shape[2])
    parts = []
    for (start, end), frames in zip(segment_latents(shot.segments), shot.segments, strict=True):
        first, last = max(start, wanted[0]) - start, min(end, wanted[1]) - start
        if first < last:
            begin = _start(first, network)
            chunks = latents[:, :, start + begin : start + last].split(DECODED_AT_ONCE, dim=2)
            parts.append((begin, first, frames, chunks))
    total = sum(len(chunks) for *_, chunks in parts)
    done = 0
    for begin, first, frames, chunks in parts:
        # Of each segment a stream of its own: what it remembers of frames before a cut would melt into those
        # after it.
        state, number = None, frames_before(begin)
        # Where the stream begins in the middle, its first latent has but one frame, the last of four.
        number += TEMPORAL_COMPRESSION - 1 if begin else 0
        for chunk in chunks:
            report(Progress("decode", done, total))
            video, state = decode_chunk(chunk, state)
            for frame in to_frames(video):
                if frames_before(first) <= number < frames:
                    yield frame
                number += 1
            done += 1
    report(Progress("decode", done, total))


def _start(first: int, network: nn.Module) -> int:
    """Where a stream begins that is to give a span's frames.

    Its first piece differs from the whole's, so it is thrown away, and so is all that remembers it: at most
    as many latents as all convolutions together look back.
    """
    convolutions = (module for module in network.modules() if isinstance(module, CausalConv3d))
    memory = sum(convolution.kernel_size[0] - 1 for convolution in convolutions)
    pieces = first // DECODED_AT_ONCE - -(-memory // DECODED_AT_ONCE) - 1
    return max(0, pieces) * DECODED_AT_ONCE
