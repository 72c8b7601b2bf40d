"""Sharpness: how much of a picture's fine detail is kept. Blur, which PSNR rewards, lowers it."""

import torch
import torch.nn.functional as F
from torch import Tensor

# Binomial blur: what it takes away is detail of about two pixels and less.
_BLUR = (1, 4, 6, 4, 1)


def sharpness(video: Tensor, truth: Tensor) -> float | None:
    """Share of the truth's fine detail that is in a video, at its own place and as strong.

    The regression of the video's detail on the truth's: 1 for the truth itself, f for a video whose detail is
    f times as strong. Noise, and detail of one's own making, change nothing on average, since the truth knows
    nothing of them; they cost PSNR instead.

    Args:
        video, truth: ``(3, F, H, W)``, five pixels a side or more.

    Returns:
        None where the truth has no detail.
    """
    ours, theirs = detail(video), detail(truth)
    strength = theirs.square().sum()
    # Rounding leaves a little in an even picture.
    if not strength > 1e-9 * theirs.numel():
        return None
    return ((ours * theirs).sum() / strength).item()


def detail(video: Tensor) -> Tensor:
    """``(3, F, H, W)`` to each frame less its blur, ``(F, 3, H − 4, W − 4)``: where the blur sees all it
    needs."""
    frames = video.movedim(1, 0).flatten(0, 1)[:, None].double()
    blur = torch.tensor(_BLUR, dtype=frames.dtype, device=frames.device)
    blur = blur / blur.sum()
    margin = len(_BLUR) // 2
    blurred = F.conv2d(frames, torch.outer(blur, blur)[None, None])
    sharp = frames[..., margin:-margin, margin:-margin]
    return (sharp - blurred).unflatten(0, (-1, 3)).squeeze(2)
