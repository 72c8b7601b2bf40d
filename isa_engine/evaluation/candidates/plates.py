"""A clip's plate: its video laid over the clip's background, as generation lays a shot's
(``pipeline.isa.over_background``)."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from isa_engine.data.clips.clip import Clip
from isa_engine.data.clips.reprojected_clip import reprojected_clip
from isa_engine.data.samples.encoding import encode
from isa_engine.evaluation.candidates.videos import Video, decoded
from isa_engine.evaluation.held_out.clips import HeldOutClip
from isa_engine.geometry.normal_maps import normal_maps
from isa_engine.pipeline.isa.model import Model
from isa_engine.pipeline.isa.nearness import layers
from isa_engine.pipeline.isa.over_background import (
    REACH,
    at_pixels,
    cast_alpha,
    over_background,
    square_distance,
)
from isa_engine.pipeline.pictures import to_shares, to_video


@dataclass(frozen=True)
class ClipPlate:
    """A plate of a clip.

    Attributes:
        video: ``(3, F, H, W)`` in [−1, 1].
        matte: ``(F, H, W)`` bool, where it shows more of the cast than of the set.
    """

    video: Tensor
    matte: Tensor


@torch.inference_mode()
def laid_over_background(
    model: Model, held_out: HeldOutClip, made: Video, shadows: bool = False
) -> ClipPlate:
    """The plate that becomes of a generated video.

    Args:
        model: whose matte head tells where the people are.
        made: the video, by that model or by another with the same autoencoder.
        shadows: whether the clip's background has the cast's shadows.
    """
    clip = held_out.clip
    known = reprojected_clip(clip) if model.reprojects else clip.background
    latents = model.vae.normalise(made.latents)
    given, again = (encode(model, video[None].to(model.device)) for video in (clip.background, known))
    departs, square = (
        to_shares(
            at_pixels(square_distance(latents, other), model.config.vae.spatial_compression, begins=True)
        )
        for other in (given, again)
    )
    head = to_shares(model.matte_head(made.latents).sigmoid())
    bodies = _bodies(clip)
    near = _nearness(clip, bodies)
    matte = cast_alpha(head, bodies, near, departs)
    levels = over_background(
        _levels(made.video),
        _levels(decoded(model, again).video),
        _levels(known),
        _levels(clip.background),
        near,
        square,
        shadows,
    )
    return ClipPlate(to_video(levels)[0], torch.from_numpy(matte[..., 0] > 0.5))


def _nearness(clip: Clip, bodies: np.ndarray) -> np.ndarray:
    """As ``pipeline.isa.nearness``, of all frames, ``(F, H, W, 1)``. Clips are small: its fewest steps do."""
    shares = [share * _bodies(clip, grown) for grown, share in layers(REACH, pixels=0)]
    return np.maximum.reduce([*shares, bodies])


def _bodies(clip: Clip, grown: float = 0.0) -> np.ndarray:
    """Where skins are that were grown by so many metres, 0 or 1, ``(F, H, W, 1)``."""
    points = clip.points + grown * clip.normals
    size = clip.video.shape[-2:]
    drawn = normal_maps(points, clip.normals, clip.intrinsics, clip.camera_to_world, *size)
    return drawn.any(1)[..., None].float().numpy()


def _levels(video: Tensor) -> np.ndarray:
    """``(3, F, H, W)`` in [−1, 1] to ``(F, H, W, 3)`` from 0 to 255."""
    return ((video.permute(1, 2, 3, 0).cpu().numpy() + 1) * 127.5).astype(np.float32)
