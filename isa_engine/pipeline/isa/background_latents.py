"""A shot's background, or its cast reprojected before it, as latents, encoded a few windows at a time."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from isa_engine.geometry.frames import TEMPORAL_COMPRESSION, extended_count, latent_count, repeated
from isa_engine.pipeline.background import background_frames
from isa_engine.pipeline.isa.model import Model
from isa_engine.pipeline.isa.reprojection import reprojected_frame
from isa_engine.pipeline.isa.texture import Texture
from isa_engine.pipeline.pictures import to_video
from isa_engine.shot import Shot
from isa_engine.vae.causal_conv import looks_back

# Windows encoded at once; bounds the memory of a long background.
_WINDOWS_AT_ONCE = 4


def encode_background(
    shot: Shot,
    numbers: range,
    model: Model,
    wanted: tuple[int, int] | None = None,
    textures: Sequence[Texture] = (),
) -> Tensor:
    """The background of a segment's frames as normalised latents ``(1, C, t, h, w)``, read and encoded a few
    windows at a time; the last frame is repeated until it fills its window.

    Args:
        numbers: of the frames, counted from the shot's first.
        wanted: of the segment's latents ``[first, last)``, the same bits as among all; None: all.
        textures: of the shot's characters, who are reprojected before the background; nobody is if empty.

    Raises:
        ShotError: it cannot be decoded, is too large, or too short.
    """
    first, last = wanted or (0, latent_count(len(numbers)))
    # A stream that begins later takes its first frame for a video's: that latent is none of the wanted ones,
    # and nothing that remembers it. From there on its pieces are those of the whole.
    before = max(0, first - 1 - looks_back(model.vae.encoder)) // _WINDOWS_AT_ONCE * _WINDOWS_AT_ONCE
    begin, step = before * TEMPORAL_COMPRESSION, _WINDOWS_AT_ONCE * TEMPORAL_COMPRESSION
    count = min(extended_count(len(numbers)), 1 + step * -(-(last - 1) // _WINDOWS_AT_ONCE))
    state, latents = None, []
    # The first frame is a window by itself.
    cuts = [begin, *range(begin + 1, count, step), count]
    for start, end in pairwise(cuts):
        frames = background_frames(shot, numbers[start:end])
        if textures:
            shown = zip(numbers[start:end], frames, strict=True)
            frames = np.stack([reprojected_frame(shot, number, frame, textures) for number, frame in shown])
        frames = repeated(frames, end - start)
        video = to_video(frames).to(model.device)
        posterior, state = model.vae.encode_chunk(video, state)
        latents.append(model.vae.normalise(posterior.mode()))
    return torch.cat(latents, 2)[:, :, first - before : last - before]
