"""Seams: does a video jump from the last frame of a latent to the first of the next?"""

import torch
from torch import Tensor

from isa_engine.geometry.frames import latent_of_frame


def seam_ratio(video: Tensor) -> float | None:
    """Mean change from frame to frame across the borders of latent frames, over that within them.

    About 1 if the borders cannot be seen.

    Args:
        video: ``(3, F, H, W)``.

    Returns:
        None where nothing changes within any latent.
    """
    change = (video[:, 1:] - video[:, :-1]).abs().mean((0, 2, 3))
    latent = torch.as_tensor(latent_of_frame(video.shape[1]), device=video.device)
    border = latent[1:] != latent[:-1]
    if not change[~border].sum() > 0:
        return None
    return (change[border].mean() / change[~border].mean()).item()
