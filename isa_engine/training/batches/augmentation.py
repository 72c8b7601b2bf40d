"""The two spatio-temporal augmentations of the paper's section 4.2.

Both take longer or larger clips than they give: what is cut away is what moved.
"""

import math

import torch
from torch import Tensor


def random_structured_motion(video: Tensor, height: int, width: int, generator: torch.Generator) -> Tensor:
    """Translate each frame along a random path, so that large displacements are learnt.

    Args:
        video: ``(C, F, H, W)`` with H ≥ height, W ≥ width.

    Returns:
        ``(C, F, height, width)``.
    """
    spare = video.shape[2] - height, video.shape[3] - width
    corners = motion_path(video.shape[1], spare, generator).tolist()
    crops = [video[:, k, y : y + height, x : x + width] for k, (y, x) in enumerate(corners)]
    return torch.stack(crops, 1)


def motion_path(frames: int, spare: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Where the crop of each frame begins; it moves with a random direction and speed that itself changes
    smoothly.

    Args:
        spare: rows and columns that a frame has more than the crop.

    Returns:
        ``(frames, 2)`` int64, row and column.
    """
    time = torch.linspace(0, 1, frames)[:, None]
    start, end = torch.rand(2, 2, generator=generator)
    rate = 1 + 3 * torch.rand(2, generator=generator)
    phase = 2 * math.pi * torch.rand(2, generator=generator)
    swing = 0.35 * torch.rand(2, generator=generator)
    path = torch.lerp(start, end, time) + swing * torch.sin(2 * math.pi * rate * time + phase)
    return (path.clamp(0, 1) * torch.tensor(spare, dtype=torch.float32)).round().long()


def dynamic_speed(video: Tensor, frames: int, fastest: float, generator: torch.Generator) -> Tensor:
    """Resample time at a speed that varies along the clip, between holding still and ``fastest``.

    Args:
        video: ``(C, F, H, W)``.
        frames: frames to return.

    Returns:
        ``(C, frames, H, W)``; frames are picked, never blended.
    """
    return video[:, speed_moments(video.shape[1], frames, fastest, generator)]


def speed_moments(length: int, frames: int, fastest: float, generator: torch.Generator) -> Tensor:
    """The frames that ``dynamic_speed`` picks of a clip of some length, ``(frames,)`` int64; a clip too short
    for the drawn speeds is played slower."""
    if frames == 1:
        return torch.randint(length, (1,), generator=generator)
    knots = fastest * torch.rand(1, 1, 4, generator=generator)
    speed = torch.nn.functional.interpolate(knots, frames - 1, mode="linear", align_corners=True)[0, 0]
    place = torch.cat([torch.zeros(1), speed.cumsum(0)])
    room = length - 1
    if place[-1] > room:
        place = place * (room / place[-1])
    start = torch.rand(1, generator=generator) * (room - place[-1])
    return (start + place).round().long().clamp(0, room)
