"""The two spatio-temporal augmentations of the paper's section 4.2.

Both take longer or larger clips than they give: what is cut away is what moved.
"""

import math

import torch
from torch import Tensor


def random_structured_motion(video: Tensor, height: int, width: int, generator: torch.Generator) -> Tensor:
    """Translate each frame along a random path, so that large displacements are learnt.

    The crop's place moves with a random direction and speed that itself changes smoothly.

    Args:
        video: ``(C, F, H, W)`` with H ≥ height, W ≥ width.

    Returns:
        ``(C, F, height, width)``.
    """
    frames = video.shape[1]
    spare = torch.tensor([video.shape[2] - height, video.shape[3] - width], dtype=torch.float32)
    time = torch.linspace(0, 1, frames)[:, None]
    start, end = torch.rand(2, 2, generator=generator)
    rate = 1 + 3 * torch.rand(2, generator=generator)
    phase = 2 * math.pi * torch.rand(2, generator=generator)
    swing = 0.35 * torch.rand(2, generator=generator)
    path = torch.lerp(start, end, time) + swing * torch.sin(2 * math.pi * rate * time + phase)
    corner = (path.clamp(0, 1) * spare).round().long().tolist()
    crops = [video[:, k, y : y + height, x : x + width] for k, (y, x) in enumerate(corner)]
    return torch.stack(crops, 1)


def dynamic_speed(video: Tensor, frames: int, fastest: float, generator: torch.Generator) -> Tensor:
    """Resample time at a speed that varies along the clip, between holding still and ``fastest``.

    Args:
        video: ``(C, F, H, W)``.
        frames: frames to return; a clip too short for the drawn speeds is played slower.

    Returns:
        ``(C, frames, H, W)``; frames are picked, never blended.
    """
    if frames == 1:
        pick = torch.randint(video.shape[1], (1,), generator=generator)
        return video[:, pick]
    knots = fastest * torch.rand(1, 1, 4, generator=generator)
    speed = torch.nn.functional.interpolate(knots, frames - 1, mode="linear", align_corners=True)[0, 0]
    place = torch.cat([torch.zeros(1), speed.cumsum(0)])
    room = video.shape[1] - 1
    if place[-1] > room:
        place = place * (room / place[-1])
    start = torch.rand(1, generator=generator) * (room - place[-1])
    return video[:, (start + place).round().long().clamp(0, room)]
