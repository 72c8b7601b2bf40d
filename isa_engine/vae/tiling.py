"""Large pictures in tiles that overlap, faded into each other.

A tile's norms and attention see the tile alone, so the result is close to that of the whole picture, but not
equal. At a tile's edge convolutions also see padding in place of the neighbouring tile, which makes the
latent pixels there much worse: they are computed and thrown away (the margin).
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from isa_engine.errors import ModelError
from isa_engine.vae.posterior import Posterior
from isa_engine.vae.video_vae import State, VideoVAE


@dataclass(frozen=True)
class TiledVAE:
    """A VideoVAE that works tile by tile; use it in the VideoVAE's place.

    Attributes:
        vae: the autoencoder.
        tile: side of a tile in latent pixels.
        margin: latent pixels thrown away at a tile's edges inside the picture.
        fade: latent pixels over which one tile fades into the next.

    Raises:
        ModelError: a tile no larger than what it shares with a neighbour.
    """

    vae: VideoVAE
    tile: int = 64
    margin: int = 6
    fade: int = 4

    def __post_init__(self):
        if self.fade < 1 or self.margin < 0 or self.tile <= self.overlap:
            raise ModelError(f"tiles of {self.tile} latent pixels cannot share {self.overlap}")

    @property
    def overlap(self) -> int:
        """Latent pixels that neighbours share at least."""
        return 2 * self.margin + self.fade

    def encode(self, video: torch.Tensor) -> Posterior:
        """As ``VideoVAE.encode``."""
        return self.encode_chunk(video, None)[0]

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """As ``VideoVAE.decode``."""
        return self.decode_chunk(latents, None)[0]

    def encode_chunk(
        self, video: torch.Tensor, state: tuple[State, ...] | None
    ) -> tuple[Posterior, tuple[State, ...]]:
        """As ``VideoVAE.encode_chunk``; the state has one part a tile."""
        self.vae.check_video(video, begins=state is None)

        def encode(tile: torch.Tensor, state: State | None) -> tuple[torch.Tensor, State]:
            posterior, state = self.vae.encode_chunk(tile, state)
            return torch.cat([posterior.mean, posterior.logvar], 1), state

        moments, state = self._tile_by_tile(encode, video, state, self.vae.spatial_compression, 1)
        return Posterior(*moments.chunk(2, 1)), state

    def decode_chunk(
        self, latents: torch.Tensor, state: tuple[State, ...] | None
    ) -> tuple[torch.Tensor, tuple[State, ...]]:
        """As ``VideoVAE.decode_chunk``; the state has one part a tile."""
        self.vae.check_latents(latents)
        return self._tile_by_tile(self.vae.decode_chunk, latents, state, 1, self.vae.spatial_compression)

    def _tile_by_tile(
        self,
        work: Callable[[torch.Tensor, State | None], tuple[torch.Tensor, State]],
        whole: torch.Tensor,
        states: tuple[State, ...] | None,
        side_in: int,
        side_out: int,
    ) -> tuple[torch.Tensor, tuple[State, ...]]:
        """``work`` on each tile. ``side_in`` and ``side_out``: pixels to a latent pixel before and after."""
        height, width = (size // side_in for size in whole.shape[-2:])
        places = list(itertools.product(self._starts(height), self._starts(width)))
        if states is not None and len(states) != len(places):
            raise ModelError("this chunk has another picture size than the one before it")
        total = weights = None
        states_after = []
        for place, state in zip(places, states or [None] * len(places), strict=True):
            rows, columns = (
                slice(start, min(start + self.tile, length))
                for start, length in zip(place, (height, width), strict=True)
            )
            tile, state_after = work(whole[..., _scaled(rows, side_in), _scaled(columns, side_in)], state)
            states_after.append(state_after)
            if total is None:
                total = tile.new_zeros(*tile.shape[:3], height * side_out, width * side_out)
                weights = tile.new_zeros(height * side_out, width * side_out)
            weight = torch.outer(
                self._fade(rows, height, side_out).to(tile), self._fade(columns, width, side_out).to(tile)
            )
            at = _scaled(rows, side_out), _scaled(columns, side_out)
            total[..., *at] += weight * tile
            weights[at] += weight
        return total / weights, tuple(states_after)

    def _starts(self, length: int) -> list[int]:
        """First latent pixel of each tile on an axis, evenly spread."""
        tiles = max(1, math.ceil((length - self.overlap) / (self.tile - self.overlap)))
        room = max(0, length - self.tile)
        return [round(room * tile / max(1, tiles - 1)) for tile in range(tiles)]

    def _fade(self, place: slice, length: int, side: int) -> torch.Tensor:
        """Weight of each pixel of a tile on one axis: it falls towards edges inside the picture."""
        pixels = torch.arange((place.stop - place.start) * side) + 0.5
        inward = ((pixels - self.margin * side) / (self.fade * side)).clamp(0, 1)
        weight = torch.ones_like(inward)
        if place.start > 0:
            weight = weight.minimum(inward)
        if place.stop < length:
            weight = weight.minimum(inward.flip(0))
        return weight


def _scaled(place: slice, side: int) -> slice:
    return slice(place.start * side, place.stop * side)
