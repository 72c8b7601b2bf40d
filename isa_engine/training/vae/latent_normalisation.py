"""How latents are scaled for the transformer: by what they weigh in the picture."""

from collections.abc import Iterable

import torch
from torch import Tensor

from isa_engine.vae import VideoVAE

# Clips that are decoded again for each channel; by how much of its deviation a channel is disturbed there;
# and the deviation that the widest channel has afterwards.
_DISTURBED, _DISTURBANCE, _WIDEST = 2, 0.3, 2.0


@torch.no_grad()
def normalise_latents(vae: VideoVAE, videos: Iterable[Tensor]) -> None:
    """Normalise so that an error of a channel costs the picture as much as an equal one of any other.

    Channels of equal deviation would have the transformer learn grain as eagerly as colours, and be told
    of both at the same noise. Pictures have their structure in few strong channels, as a photograph has it
    in low frequencies: those are left the strongest.

    Args:
        videos: ``(B, 3, F, H, W)`` each, to measure by.
    """
    latents = torch.cat([vae.encode(video).mode() for video in videos])
    values = latents.transpose(0, 1).flatten(1)
    deviation = values.std(1, correction=0)
    scale = _weights(vae, latents[:_DISTURBED], _DISTURBANCE * deviation)
    vae.set_normalisation(values.mean(1), scale * (_WIDEST / (scale * deviation).amax()))


def _weights(vae: VideoVAE, latents: Tensor, disturbances: Tensor) -> Tensor:
    """What a unit of each channel changes in the picture, root mean square: ``(C,)``."""
    undisturbed = vae.decode(latents)
    noise = torch.randn(latents[:, 0].shape, generator=torch.Generator().manual_seed(0)).to(latents)
    weights = []
    for channel, disturbance in enumerate(disturbances):
        disturbed = latents.clone()
        disturbed[:, channel] += disturbance * noise
        change = vae.decode(disturbed) - undisturbed
        weights.append(change.square().mean().sqrt() / disturbance)
    return torch.stack(weights)
