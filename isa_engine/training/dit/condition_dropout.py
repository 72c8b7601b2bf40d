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

    cast = kept(settings.drop_cast)
    return replace(
        conditioning,
        visible=where_kept(cast, conditioning.visible),
        identity_known=where_kept(cast & kept(settings.drop_identity), conditioning.identity_known),
        image_known=where_kept(cast & kept(settings.drop_image), conditioning.image_known),
        reference_latents=where_kept(cast & kept(settings.drop_reference), conditioning.reference_latents),
        background_latents=where_kept(kept(settings.drop_background), conditioning.background_latents),
        cameras=where_kept(kept(settings.drop_camera), conditioning.cameras),
        normal_maps=where_kept(cast, conditioning.normal_maps),
    )
