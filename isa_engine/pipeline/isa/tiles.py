"""A network that sees a large canvas tile by tile: the mean of what it says of each place, as MultiDiffusion
(Bar-Tal et al. 2023) joins paths of denoising. Each step begins where the tiles have agreed, so they stay one
picture.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from isa_engine.dit import Conditioning
from isa_engine.dit.background_gate import Prediction
from isa_engine.geometry.tiles import Tile

# ``seen(latents, conditioning, points)``: what a network says of a tile; points as of ``ISADiT.predict``.
Seen = Callable[[Tensor, Conditioning, list[Tensor] | None], Prediction]


def over_tiles(
    seen: Seen,
    tiles: Sequence[Tile],
    latents: Tensor,
    timestep: Tensor,
    conditioning: Conditioning,
    points: list[Tensor] | None = None,
    own: slice = slice(None),
) -> Prediction:
    """What a network says of all of a canvas. Of tiles that nobody comes near it is not asked: they show the
    background that is given, with the cast as without.

    Args:
        tiles: of the canvas; a single one is the canvas itself, and nothing is averaged.
        latents, timestep, conditioning: of the canvas, as of ``ISADiT.predict``.
        points: as of ``ISADiT.predict``, those of one tile after the other.
        own: which of the conditions' latents these are; all of them, unless several workers share a video.
    """
    if len(tiles) == 1:
        return seen(latents, conditioning, points)
    asked = [tile for tile in tiles if not conditioning.shows_nobody(tile)]
    kept = dict(zip(asked, _dealt(points, len(asked)), strict=True))
    mean = Mean(latents)
    for tile in tiles:
        part = latents[tile.part].contiguous()
        if tile in kept:
            mean.add(tile, seen(part, conditioning.tile(tile), kept[tile]))
        else:
            shown = conditioning.background_latents[:, :, own][tile.part]
            mean.add(tile, Prediction((shown - part) / timestep.view(-1, 1, 1, 1, 1)))
    if points is not None and not points:
        points.extend(token for own in kept.values() for token in own)
    return mean.prediction()


class Mean:
    """The weighted mean of what is said of the tiles of a canvas.

    Args:
        latents: of the canvas, ``(B, C, t, h, w)``.
    """

    def __init__(self, latents: Tensor):
        self._velocity, self._gate = torch.zeros_like(latents), torch.zeros_like(latents[:, :1])
        self._weight, self._gated = latents.new_zeros(latents.shape[-2:]), False

    def add(self, tile: Tile, said: Prediction) -> None:
        """What is said without a gate where others have one has a closed one: it is the background."""
        rows, columns = (self._weight.new_tensor(weights) for weights in tile.weights())
        weight = rows[:, None] * columns
        self._weight[tile.part] += weight
        self._velocity[tile.part] += weight * said.velocity
        if said.gate is not None:
            self._gate[tile.part] += weight * said.gate
            self._gated = True

    def prediction(self) -> Prediction:
        return Prediction(self._velocity / self._weight, self._gate / self._weight if self._gated else None)


def _dealt(points: list[Tensor] | None, count: int) -> list[list[Tensor] | None]:
    """The points of each tile; empty lists where they are to be filled."""
    if points is None:
        return [None] * count
    each = len(points) // max(count, 1)
    return [points[k * each : (k + 1) * each] for k in range(count)]
