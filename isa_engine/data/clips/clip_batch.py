"""Clips of one length and canvas side by side, as the renderer hands them on: pictures in eight bits.

B clips of F frames, H W pixels; K characters of N points and R references, as many as the clip with the most
has: the others are padded at the end.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor

from isa_engine.data.clips.clip import Clip
from isa_engine.data.clips.reprojected_clip import reprojected_clip
from isa_engine.geometry.camera import modelview_projection
from isa_engine.pipeline.isa.references import CloseUp, close_up


@dataclass(frozen=True)
class ClipBatch:
    """Several clips of one size, stacked; what a clip has less of than another is zero.

    Attributes:
        video, background: ``(B, F, H, W, 3)`` uint8.
        reprojected: the background with the cast before it as its references show it
            (``data.clips.reprojected_clip``); of clips without triangles the background.
        mask: ``(B, F, H, W)`` uint8: 0 the set, k the k-th character.
        points, normals: ``(B, F, K, N, 3)`` float32, world.
        characters: ``(B,)`` int64, how many of the K there are.
        intrinsics, camera_to_world: ``(B, F, 4)``, ``(B, F, 4, 4)`` float32.
        camera_known: ``(B,)`` bool, as of ``Clip``.
        references: ``(B, R, H, W, 3)`` uint8.
        shown: ``(B,)`` int64, how many of the R there are.
        reference_of: ``(B, K)`` int64, the reference that shows each character.
        places, known, corner, side: ``(B, K, N, 2)`` float32, ``(B, K, N)`` bool, ``(B, K, 2)`` and ``(B,
            K)`` float64: how it shows the character (``pipeline.isa.references.CloseUp``).
    """

    video: Tensor
    background: Tensor
    reprojected: Tensor
    mask: Tensor
    points: Tensor
    normals: Tensor
    characters: Tensor
    intrinsics: Tensor
    camera_to_world: Tensor
    camera_known: Tensor
    references: Tensor
    shown: Tensor
    reference_of: Tensor
    places: Tensor
    known: Tensor
    corner: Tensor
    side: Tensor

    def __len__(self) -> int:
        return len(self.video)

    def first_points(self, count: int) -> "ClipBatch":
        """The same clips with fewer points a character."""
        fewer = {name: getattr(self, name)[:, :, :, :count] for name in ("points", "normals")}
        return replace(self, **fewer, places=self.places[:, :, :count], known=self.known[:, :, :count])

    @staticmethod
    def concatenate(parts: "list[ClipBatch]") -> "ClipBatch":
        """Several batches of one length and canvas as one."""
        most = {axis: max(part.sizes[axis] for part in parts) for axis in ("K", "R")}
        return ClipBatch(
            **{
                name: torch.cat([_padded(getattr(part, name), letters, most) for part in parts])
                for name, letters in AXES.items()
            }
        )

    @property
    def sizes(self) -> dict[str, int]:
        """F, H, W, K, N and R."""
        return {
            letter: size
            for name, letters in AXES.items()
            for letter, size in zip(letters, getattr(self, name).shape[1:], strict=True)
            if letter.isalpha()
        }


# The axes of every field behind B.
AXES = {
    "video": "FHW3",
    "background": "FHW3",
    "reprojected": "FHW3",
    "mask": "FHW",
    "points": "FKN3",
    "normals": "FKN3",
    "characters": "",
    "intrinsics": "F4",
    "camera_to_world": "F44",
    "camera_known": "",
    "references": "RHW3",
    "shown": "",
    "reference_of": "K",
    "places": "KN2",
    "known": "KN",
    "corner": "K2",
    "side": "K",
}
TYPES = dict.fromkeys(("video", "background", "reprojected", "mask", "references"), torch.uint8)
TYPES |= dict.fromkeys(("points", "normals", "intrinsics", "camera_to_world", "places"), torch.float32)
TYPES |= dict.fromkeys(("characters", "shown", "reference_of"), torch.int64)
TYPES |= dict.fromkeys(("camera_known", "known"), torch.bool)
TYPES |= dict.fromkeys(("corner", "side"), torch.float64)
assert {field.name for field in fields(ClipBatch)} == AXES.keys() == TYPES.keys()


def batch_of(clip: Clip) -> ClipBatch:
    """A clip as a batch of one, on the CPU."""
    seen = _close_ups(clip)
    reprojected = clip.background if clip.triangles is None else reprojected_clip(clip)
    values = {
        "video": eight_bits(clip.video),
        "background": eight_bits(clip.background),
        "reprojected": eight_bits(reprojected),
        "mask": clip.mask,
        "points": clip.points,
        "normals": clip.normals,
        "characters": torch.tensor(clip.points.shape[1]),
        "intrinsics": clip.intrinsics,
        "camera_to_world": clip.camera_to_world,
        "camera_known": torch.tensor(clip.camera_known),
        "references": eight_bits(clip.references.transpose(0, 1)),
        "shown": torch.tensor(len(clip.references)),
        "reference_of": clip.reference_of,
        **{
            name: torch.as_tensor(np.stack([getattr(each, name) for each in seen]))
            for name in ("places", "known", "corner", "side")
        },
    }
    return ClipBatch(**{name: value[None].to("cpu", TYPES[name]) for name, value in values.items()})


def eight_bits(video: Tensor) -> Tensor:
    """``(3, F, H, W)`` in [−1, 1] to ``(F, H, W, 3)`` uint8."""
    return ((video.clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 3, 0)


def _close_ups(clip: Clip) -> list[CloseUp]:
    """How each character's reference shows it."""
    cameras = clip.reference_intrinsics.cpu().numpy(), clip.reference_camera_to_world.cpu().numpy()
    mvp = modelview_projection(*cameras)
    points, shown_in = clip.reference_points.cpu().numpy(), clip.reference_of.cpu().numpy()
    height, width = clip.references.shape[-2:]
    seen = []
    for k, picture in enumerate(shown_in):
        others = points[(shown_in == picture) & (np.arange(len(points)) != k)].reshape(-1, 3)
        seen.append(close_up(points[k], mvp[picture], others, (width, height)))
    return seen


def _padded(value: Tensor, letters: str, most: dict[str, int]) -> Tensor:
    """A field with zeros at the end of its axes, up to as many characters and references."""
    shape = [
        len(value),
        *(most.get(letter, size) for letter, size in zip(letters, value.shape[1:], strict=True)),
    ]
    if shape == list(value.shape):
        return value
    larger = value.new_zeros(shape)
    larger[tuple(slice(size) for size in value.shape)] = value
    return larger
