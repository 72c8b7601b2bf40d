"""One clip shown as another: mirrored, backwards, from another moment on, in other colours.

A clip takes longer to render than to learn from, so it is shown several times, and never twice the same.
"""

import math
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor

from isa_engine.data.clips.clip_batch import ClipBatch

# Share of clips in other colours, and how far these go: hue in radians and logarithms of saturation and of
# brightness, standard deviations. So far a skin still looks like some person's.
_RECOLOURED = 0.75
_HUE, _SATURATION, _BRIGHTNESS = math.radians(12), 0.15, 0.2


@dataclass(frozen=True)
class Variation:
    """How each clip of a batch is shown.

    Attributes:
        first: ``(B,)`` int64, its first frame.
        frames: how many are shown.
        backwards: ``(B,)`` bool.
        mirrored: ``(B,)`` bool, left and right change places in the world and in all pictures.
        colours: ``(B, 3, 3)`` float32, colours in [0, 1] to others.
    """

    first: Tensor
    frames: int
    backwards: Tensor
    mirrored: Tensor
    colours: Tensor

    @staticmethod
    def none(clips: int, frames: int) -> "Variation":
        """Every clip as it is."""
        still = torch.zeros(clips, dtype=torch.long)
        return Variation(still, frames, still.bool(), still.bool(), torch.eye(3).repeat(clips, 1, 1))

    @staticmethod
    def random(clips: int, length: int, frames: int, random: np.random.Generator) -> "Variation":
        """So many frames of clips of some length."""
        hue = _HUE * random.normal(size=clips)
        saturation, brightness = np.exp(
            [[_SATURATION], [_BRIGHTNESS]] * random.normal(size=(2, clips)).clip(-2, 2)
        )
        colours = _colours(hue, saturation, brightness)
        colours[random.random(clips) >= _RECOLOURED] = np.eye(3)
        return Variation(
            first=torch.as_tensor(random.integers(length - frames + 1, size=clips)),
            frames=frames,
            backwards=torch.as_tensor(random.random(clips) < 0.5),
            mirrored=torch.as_tensor(random.random(clips) < 0.5),
            colours=torch.as_tensor(colours, dtype=torch.float32),
        )

    def moments(self) -> Tensor:
        """The frames of each clip that are shown, in their order: ``(B, frames)`` int64."""
        moment = torch.arange(self.frames)
        return self.first[:, None] + torch.where(self.backwards[:, None], moment.flip(0), moment)

    def in_space(self, batch: ClipBatch) -> ClipBatch:
        """Bodies, cameras and places in pictures where they are mirrored; pictures themselves stay
        (``pictures``)."""
        flip = torch.where(self.mirrored, -1.0, 1.0)

        def along_x(values: Tensor, axis_of_x: Tensor) -> Tensor:
            """Values ``(B, ...)`` with the entries at ``axis_of_x`` of the last axes turned over."""
            sign = torch.where(axis_of_x, flip.to(values).view(-1, *[1] * (values.ndim - 1)), 1)
            return values * sign

        x = torch.tensor([True, False, False])
        # M c2w M with M = diag(−1, 1, 1, 1) is rigid again, and what it sees is the mirror image.
        turned = torch.zeros(4, 4, dtype=torch.bool)
        turned[0, 1:] = turned[1:, 0] = True
        # x of NDC changes sign, so the shift cx does.
        shift = torch.tensor([False, False, True, False])
        width = batch.references.shape[3]
        mirrored = self.mirrored
        places = batch.places.clone()
        places[mirrored, ..., 0] = width - places[mirrored, ..., 0]
        corner = batch.corner.clone()
        corner[mirrored, :, 0] = width - corner[mirrored, :, 0] - batch.side[mirrored]
        return replace(
            batch,
            points=along_x(batch.points, x),
            normals=along_x(batch.normals, x),
            camera_to_world=along_x(batch.camera_to_world, turned),
            intrinsics=along_x(batch.intrinsics, shift),
            places=places,
            corner=corner,
        )

    def pictures(self, pictures: Tensor) -> Tensor:
        """Pictures or videos ``(B, 3, ..., H, W)`` in [−1, 1], mirrored and in their other colours.

        As long as nothing changes colour, colours are exact.
        """
        extra = [1] * (pictures.ndim - 2)
        mirrored = self.mirrored.view(-1, 1, *extra)
        pictures = torch.where(mirrored, pictures.flip(-1), pictures)
        recoloured = (self.colours != torch.eye(3, device=self.colours.device)).any(-1).any(-1)
        light = torch.einsum("bij,bj...->bi...", self.colours.to(pictures), (pictures + 1) / 2)
        return torch.where(recoloured.view(-1, 1, *extra), light.clamp(0, 1) * 2 - 1, pictures)

    def to(self, device: torch.device | str) -> "Variation":
        """The same on another device."""
        moved = {field.name: getattr(self, field.name) for field in fields(self)}
        return Variation(
            **{
                name: value.to(device, non_blocking=True) if isinstance(value, Tensor) else value
                for name, value in moved.items()
            }
        )


def _colours(hue: np.ndarray, saturation: np.ndarray, brightness: np.ndarray) -> np.ndarray:
    """Matrices ``(B, 3, 3)`` that turn colours about the greys, lead them away from these, and scale."""
    grey = np.full((3, 3), 1 / 3)
    axis = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
    cosine, sine = (f(hue)[:, None, None] for f in (np.cos, np.sin))
    turn = cosine * (np.eye(3) - grey) + sine * axis
    return brightness[:, None, None] * (grey + saturation[:, None, None] * turn)
