"""A clip's plate: its video laid over the clip's background, as generation lays a shot's
(``pipeline.isa.over_background``)."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from isa_engine.data.samples.encoding import encode
from isa_engine.evaluation.candidates.videos import Video, decoded
from isa_engine.evaluation.held_out.clips import HeldOutClip
from isa_engine.geometry.normal_maps import normal_maps
from isa_engine.pipeline.isa.model import Model
from isa_engine.pipeline.isa.over_background import at_pixels, cast_alpha, over_background, square_distance
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
    given = encode(model, clip.background[None].to(model.device))
    square = square_distance(model.vae.normalise(made.latents), given)
    square = to_shares(at_pixels(square, model.config.vae.spatial_compression, begins=True))
    head = to_shares(model.matte_head(made.latents).sigmoid())
    height, width = clip.video.shape[-2:]
    cameras = clip.intrinsics, clip.camera_to_world
    bodies = normal_maps(clip.points, clip.normals, *cameras, height, width).any(1).float()
    grown = F.max_pool2d(bodies[:, None], 3, 1, 1)[:, 0, ..., None].numpy()
    bodies = bodies[..., None].numpy()
    levels = over_background(
        _levels(made.video),
        _levels(decoded(model, given).video),
        _levels(clip.background),
        np.maximum(head, grown),
        square,
        shadows,
    )
    return ClipPlate(to_video(levels)[0], torch.from_numpy(cast_alpha(head, bodies, square)[..., 0] > 0.5))


def _levels(video: Tensor) -> np.ndarray:
    """``(3, F, H, W)`` in [−1, 1] to ``(F, H, W, 3)`` from 0 to 255."""
    return ((video.permute(1, 2, 3, 0).cpu().numpy() + 1) * 127.5).astype(np.float32)
