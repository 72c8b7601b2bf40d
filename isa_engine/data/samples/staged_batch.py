"""Clips on their way to the device: all that points and cameras tell is worked out, pictures are as stored.

What is left for the device has no loop over clips and waits for nothing (``data.samples.encoding.encode``).
"""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from isa_engine.data.clips.clip_batch import ClipBatch
from isa_engine.data.clips.variation import Variation
from isa_engine.pipeline.isa.model import Model
from isa_engine.pipeline.isa.normals import conditioned_in_2d, packed_normal_maps
from isa_engine.pipeline.isa.staging import stage


@dataclass(frozen=True)
class StagedBatch:
    """B clips; P = K·N points; n close-ups, one of each character whose reference shows something of it.

    Attributes:
        video, background, reprojected: ``(B, F, H, W, 3)`` uint8, as of ``ClipBatch``.
        references: ``(B, R, H, W, 3)`` uint8; ``shown``: ``(B, R)`` bool, which of them there are.
        alone: ``(B,)`` bool, whether there is one.
        points, ndc, visible, owners, cameras: as of ``Conditioning``.
        identity_known: ``(B, P)`` bool.
        normal_maps: as of ``Conditioning``, or None.
        picture: ``(n,)`` int64, of the B·R references; ``character``: ``(n,)`` int64, of the B·K.
        corner, side: ``(n, 2)``, ``(n,)`` float64 pixels, of the squares.
        where: ``(n, N, 2)`` float32, −1 to 1 across the square.
        variation: what is still to be done to the pictures.
    """

    video: Tensor
    background: Tensor
    reprojected: Tensor
    references: Tensor
    shown: Tensor
    alone: Tensor
    points: Tensor
    ndc: Tensor
    visible: Tensor
    owners: Tensor
    cameras: Tensor
    identity_known: Tensor
    normal_maps: Tensor | None
    picture: Tensor
    character: Tensor
    corner: Tensor
    side: Tensor
    where: Tensor
    variation: Variation

    def to(self, device: torch.device) -> "StagedBatch":
        """The same on another device; a GPU copies it while it works on."""
        on_gpu = device.type == "cuda"

        def moved(value):
            if isinstance(value, Variation):
                return value.to(device)
            if not isinstance(value, Tensor):
                return value
            return (value.pin_memory() if on_gpu else value).to(device, non_blocking=True)

        return StagedBatch(**{field.name: moved(getattr(self, field.name)) for field in fields(self)})


def stage_clips(batch: ClipBatch, model: Model, variation: Variation | None = None) -> StagedBatch:
    """What a model is to be told of clips.

    Args:
        variation: how they, being of its moments, are shown; as they are if None.
    """
    variation = variation or Variation.none(len(batch), batch.video.shape[1])
    batch = variation.in_space(batch)
    height, width = batch.video.shape[2:4]
    staging = stage(
        batch.points.numpy(),
        batch.intrinsics.numpy(),
        batch.camera_to_world.numpy(),
        height // model.config.multiple,
        width // model.config.multiple,
        batch.characters.numpy(),
    )
    maps = None
    if conditioned_in_2d(model):
        maps = torch.cat([_normal_maps(batch, clip, model) for clip in range(len(batch))])
    references, cast = batch.references.shape[1], batch.known.shape[1]
    clip, character = batch.known.any(-1).nonzero(as_tuple=True)
    corner, side = batch.corner[clip, character], batch.side[clip, character]
    place = batch.places[clip, character] - corner[:, None]
    return StagedBatch(
        video=batch.video,
        background=batch.background,
        reprojected=batch.reprojected,
        references=batch.references,
        shown=torch.arange(references) < batch.shown[:, None],
        alone=batch.shown == 1,
        points=staging.points,
        ndc=staging.ndc,
        visible=staging.visible,
        owners=staging.owners,
        # Zeros tell the transformer that the camera is left open.
        cameras=staging.cameras * batch.camera_known.view(-1, 1, 1, 1, 1),
        identity_known=batch.known.flatten(1),
        normal_maps=maps,
        picture=clip * references + batch.reference_of[clip, character],
        character=clip * cast + character,
        corner=corner,
        side=side,
        where=(place / side[:, None, None] * 2 - 1).float(),
        variation=variation,
    )


def _normal_maps(batch: ClipBatch, clip: int, model: Model) -> Tensor:
    """Of one clip."""
    cast = slice(int(batch.characters[clip]))
    seen = batch.points[clip, :, cast], batch.normals[clip, :, cast]
    height, width = batch.video.shape[2:4]
    cameras = batch.intrinsics[clip], batch.camera_to_world[clip]
    return packed_normal_maps(model, *seen, *cameras, (width, height))
