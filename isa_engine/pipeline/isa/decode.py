"""Latents to frames: a take whole, or a span of it that equals the same frames of the whole, bit for bit.

The decoders are causal streams with a finite memory. A span's stream begins early enough that whatever it
remembers when its own frames come was computed as in the whole's, in pieces of the same size.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from isa_engine.controls.set_occlusion import occluded_by_set
from isa_engine.geometry.frames import (
    DECODED_AT_ONCE,
    TEMPORAL_COMPRESSION,
    frames_before,
    pieces_of,
    segment_latents,
)
from isa_engine.pipeline.background import background_frames
from isa_engine.pipeline.isa.background_latents import encode_background
from isa_engine.pipeline.isa.model import Model
from isa_engine.pipeline.isa.nearness import nearness
from isa_engine.pipeline.isa.over_background import (
    REACH,
    at_pixels,
    cast_alpha,
    over_background,
    square_distance,
)
from isa_engine.pipeline.isa.reprojection import reprojected_frame, textures_of
from isa_engine.pipeline.isa.texture import Texture
from isa_engine.pipeline.matte import projected_bodies
from isa_engine.pipeline.packed import Packed
from isa_engine.pipeline.painter import Span
from isa_engine.pipeline.pictures import to_frames, to_shares
from isa_engine.pipeline.progress import Progress, Report
from isa_engine.shot import Shot
from isa_engine.vae.causal_conv import looks_back
from isa_engine.vae.tiling import TiledVAE
from isa_engine.vae.video_vae import State

# Latent pixels of a tile's side; bounds the memory of a large canvas.
_TILE = 128
# As ``VideoVAE.decode_chunk``, of normalised latents, to pictures.
ChunkDecoder = Callable[[Tensor, Any], tuple[Tensor, Any]]


@dataclass(frozen=True)
class Background:
    """What a shot's plate is laid over, and where its people are before it: found once for plate and matte.

    Attributes:
        shot: whose frames are read as they are asked for.
        latents: ``(1, C, t, h, w)``, normalised, of the take's segments; of a span those that its streams go
            through, the others zero.
        known: the same with the cast reprojected before it, by ``textures``.
        textures: of the shot's characters; empty for a model that is told of no reprojection.
        found: of frames, by what it is and the frame's number.
    """

    shot: Shot
    latents: Tensor
    known: Tensor
    textures: tuple[Texture, ...] = ()
    found: dict[tuple[str, int], Packed] = field(default_factory=dict)

    @classmethod
    @torch.inference_mode()
    def of(cls, shot: Shot, model: Model, span: Span | None = None) -> "Background | None":
        """None where the shot has none, and for a model that learned nothing: its pictures are shown as they
        are, or they would look like somebody."""
        if shot.background is None or not model.trained:
            return None
        vae, canvas = model.config.vae, _canvas(shot)
        size = [side // vae.spatial_compression for side in reversed(canvas)]
        count = segment_latents(shot.segments)[-1][1]
        textures = textures_of(shot) if model.reprojects else ()

        # One after the other: the background's decoder goes forwards, and would begin anew at each piece.
        def encoded(textures: tuple[Texture, ...]) -> Tensor:
            latents = torch.zeros(1, vae.latent_channels, count, *size, device=model.device)
            for piece in pieces_of(shot.segments, span):
                numbers = range(piece.before, piece.before + shot.segments[piece.segment])
                wanted = _start(piece.first, model.vae.decoder), piece.last
                place = slice(*(piece.start + latent for latent in wanted))
                latents[:, :, place] = encode_background(shot, numbers, model, wanted, textures=textures)
            return latents

        latents = encoded(())
        known = encoded(textures) if textures else latents
        return cls(shot, latents, known, textures)

    def frame(self, number: int) -> np.ndarray:
        """``(H, W, 3)`` uint8 of the take's frame, counted from 0, of the plate's size."""
        return background_frames(self.shot, range(number, number + 1), self.shot.settings.plate_scale)[0]

    def reprojected(self, number: int, background: np.ndarray) -> np.ndarray:
        """That frame with the cast reprojected before it."""
        return (
            reprojected_frame(self.shot, number, background, self.textures) if self.textures else background
        )

    def near(self, number: int) -> np.ndarray:
        """How near each pixel is to somebody on a frame, ``(H, W, 1)`` in [0, 1], of the plate's size."""
        size = self.shot.settings.plate_size
        return self._once("near", number, lambda: nearness(self.shot, number, size, REACH))

    def in_sight(self, number: int, picture: np.ndarray | None = None) -> np.ndarray:
        """How much of each pixel the set does not cover before the cast, of which the model is not told:
        ``(H, W, 1)`` in [0, 1].

        Args:
            picture: ``frame`` of this number, if it is at hand.
        """

        def find() -> np.ndarray:
            return 1 - occluded_by_set(self.shot, number, self.frame(number) if picture is None else picture)

        return self._once("in sight", number, find)

    def _once(self, what: str, number: int, find: Callable[[], np.ndarray]) -> np.ndarray:
        if (what, number) not in self.found:
            # As levels, ramps over a shoulder take a fifth of the memory that floats do.
            self.found[what, number] = Packed.of((255 * find()).round().astype(np.uint8))
        return self.found[what, number].array()[..., None] / np.float32(255)


@torch.inference_mode()
def decode_plate(
    latents: Tensor,
    model: Model,
    shot: Shot,
    given: Background | None,
    span: Span | None = None,
    report: Report = lambda progress: None,
) -> Iterator[np.ndarray]:
    """Frames ``(H, W, 3)`` uint8 of a span, or of the whole take, laid over the shot's background
    (``over_background``), of the plate's size; without a background of the canvas's.

    Args:
        latents: of the whole take, normalised, as ``denoise`` gives them.
        given: the shot's background, ``Background.of``.
    """
    tiled = TiledVAE(model.vae, _TILE)

    def decode_chunk(chunk: Tensor, state: Any) -> tuple[Tensor, Any]:
        return tiled.decode_chunk(model.vae.denormalise(chunk), state)

    decode = partial(_decode, decode_chunk=decode_chunk, network=model.vae.decoder, shot=shot, span=span)
    video = decode(latents, report=report)
    if given is None:
        yield from video
        return
    repainted = decode(given.known)
    distances = _square_distances(latents, given.known, model, shot, span)
    streams = zip(_shown(shot, span), video, repainted, distances, strict=True)
    for number, *pictures, square in streams:
        picture, again = (_enlarged(each, shot) for each in pictures)
        background, scale = given.frame(number), shot.settings.plate_scale
        known = given.reprojected(number, background)
        near = given.near(number) * given.in_sight(number, background)
        yield over_background(picture, again, known, background, near, square, shot.shadows, scale)


@torch.inference_mode()
def decode_matte(
    latents: Tensor, model: Model, shot: Shot, given: Background | None, span: Span | None = None
) -> Iterator[np.ndarray]:
    """As ``decode_plate``, white where the cast is (``over_background.cast_alpha``); without a background as
    the matte head alone sees it."""
    heads = _heads(latents, model, shot, span)
    if given is not None:
        distances = _square_distances(latents, given.latents, model, shot, span)
        shown = zip(_shown(shot, span), heads, distances, strict=True)
        heads = (
            cast_alpha(_enlarged(head, shot), _bodies(shot, number), given.near(number), square)
            * given.in_sight(number)
            for number, head, square in shown
        )
    for head in heads:
        yield np.repeat((255 * head).round().astype(np.uint8), 3, 2)


def _heads(latents: Tensor, model: Model, shot: Shot, span: Span | None) -> Iterator[np.ndarray]:
    """Of each frame where the matte head sees somebody, a share from 0 to 1, ``(H, W, 1)``."""

    def decode_chunk(chunk: Tensor, state: State | None) -> tuple[Tensor, State]:
        logits, state = model.matte_head.decode_chunk(model.vae.denormalise(chunk), state)
        return logits.sigmoid(), state

    return _decode(latents, decode_chunk, model.matte_head, shot, span, to_frames=to_shares)


def _square_distances(
    latents: Tensor, known: Tensor, model: Model, shot: Shot, span: Span | None
) -> Iterator[np.ndarray]:
    """Of each frame how far its latents are from those that are known, squared, ``(H, W, 1)`` of the plate's
    size."""
    squares = square_distance(latents, known)
    scale = shot.settings.plate_scale * model.config.vae.spatial_compression

    def decode_chunk(chunk: Tensor, state: bool | None) -> tuple[Tensor, bool]:
        return at_pixels(chunk, scale, begins=state is None), True

    # Nothing is remembered from one latent to the next.
    return _decode(squares, decode_chunk, nn.Identity(), shot, span, to_frames=to_shares)


def _bodies(shot: Shot, frame: int) -> np.ndarray:
    """The share of each pixel that projected bodies cover, ``(H, W, 1)``."""
    return projected_bodies(shot, frame, shot.settings.plate_size)[..., None].astype(np.float32) / 255


def _enlarged(picture: np.ndarray, shot: Shot) -> np.ndarray:
    """A picture or a share of the canvas's size, ``(h, w, c)``, of the plate's."""
    if shot.settings.plate_scale == 1:
        return picture
    if picture.dtype == np.uint8:
        return np.array(Image.fromarray(picture).resize(shot.settings.plate_size, Image.Resampling.BICUBIC))
    share = Image.fromarray(picture[..., 0]).resize(shot.settings.plate_size, Image.Resampling.BILINEAR)
    return np.array(share)[..., None]


def _canvas(shot: Shot) -> tuple[int, int]:
    return shot.settings.width, shot.settings.height


def _shown(shot: Shot, span: Span | None) -> Iterator[int]:
    """The numbers of a span's frames, or of the whole take's."""
    for piece in pieces_of(shot.segments, span):
        yield from (piece.before + number for number in piece.shown)


def _decode(
    latents: Tensor,
    decode_chunk: ChunkDecoder,
    network: nn.Module,
    shot: Shot,
    span: Span | None,
    report: Report = lambda progress: None,
    to_frames: Callable[[Tensor], np.ndarray] = to_frames,
) -> Iterator[np.ndarray]:
    """A stream's frames.

    Args:
        network: whose memory it is that a span's stream must begin early for.
        to_frames: what a chunk decodes to, to arrays of its frames.
    """
    parts = []
    for piece in pieces_of(shot.segments, span):
        begin = _start(piece.first, network)
        chunks = latents[:, :, piece.start + begin : piece.start + piece.last].split(DECODED_AT_ONCE, dim=2)
        parts.append((begin, piece.shown, chunks))
    total = sum(len(chunks) for *_, chunks in parts)
    done = 0
    for begin, shown, chunks in parts:
        # Of each segment a stream of its own: what it remembers of frames before a cut would melt into those
        # after it.
        state, number = None, frames_before(begin)
        # Where the stream begins in the middle, its first latent has but one frame, the last of four.
        number += TEMPORAL_COMPRESSION - 1 if begin else 0
        for chunk in chunks:
            report(Progress("decode", done, total))
            video, state = decode_chunk(chunk, state)
            for frame in to_frames(video):
                if number in shown:
                    yield frame
                number += 1
            done += 1
    report(Progress("decode", done, total))


def _start(first: int, network: nn.Module) -> int:
    """Where a stream begins that is to give a span's frames.

    Its first piece differs from the whole's, so it is thrown away, and so is all that remembers it: at most
    as many latents as all convolutions together look back.
    """
    pieces = first // DECODED_AT_ONCE - -(-looks_back(network) // DECODED_AT_ONCE) - 1
    return max(0, pieces) * DECODED_AT_ONCE
