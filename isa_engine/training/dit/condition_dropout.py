"""Condition dropout: samples that lose a condition teach the model to do without it, and guidance its
unconditional branch.
"""

from dataclasses import replace

import torch
from torch import Tensor

from isa_engine.dit import Conditioning
from isa_engine.training.configuration import DiTTraining


def drop_conditions(
    conditioning: Conditioning, settings: DiTTraining, generator: torch.Generator
) -> Conditioning:
    """Each sample keeps or loses each condition by itself, at the rates of ``settings``.

    Args:
        generator: on the conditions' device.
    """
    points = conditioning.points

    def kept(rate: float) -> Tensor:
        return torch.rand(len(points), generator=generator, device=points.device) >= rate

    def where_kept(keep: Tensor, value: Tensor) -> Tensor:
        keep = keep.view(-1, *[1] * (value.ndim - 1))
        return value & keep if value.dtype == torch.bool else value * keep

    rates = ("cast", "identity", "image", "reference", "background", "camera")
    cast, identity, image, reference, background, camera = (
        kept(getattr(settings, f"drop_{name}")) for name in rates
    )
    known = conditioning.reprojected_latents, conditioning.background_latents
    reprojected = torch.where(cast.view(-1, 1, 1, 1, 1), *known)
    return replace(
        conditioning,
        visible=where_kept(cast, conditioning.visible),
        identity_known=where_kept(cast & identity, conditioning.identity_known),
        image_known=where_kept(cast & image, conditioning.image_known),
        reference_latents=where_kept(cast & reference, conditioning.reference_latents),
        background_latents=where_kept(background, conditioning.background_latents),
        # Nobody is reprojected before a background that is not there.
        reprojected_latents=where_kept(background, reprojected),
        cameras=where_kept(camera, conditioning.cameras),
        normal_maps=where_kept(cast, conditioning.normal_maps),
    )
