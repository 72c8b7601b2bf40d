"""Sharpness: how much of a picture's fine detail is kept. Blur, which PSNR rewards, lowers it."""

import torch
import torch.nn.functional as F
from torch import Tensor

# A binomial blur: what it removes is detail of about two pixels and finer.
_BLUR = (1, 4, 6, 4, 1)


def sharpness(video: Tensor, truth: Tensor) -> float | None:
    """The share of the truth's fine detail that a video has, in the same places.

    It is the regression of the video's detail on the truth's: 1 for the truth itself, f for a video whose
    detail is f times as strong. Noise and invented detail do not change it on average, since they are not
    correlated with the truth; they lower PSNR instead.

    Args:
        video, truth: ``(3, F, H, W)``, five pixels a side or more.

    Returns:
        None where the truth has no detail.
    """
    ours, theirs = detail(video), detail(truth)
    strength = theirs.square().sum()
    # In an even picture rounding leaves a little, which is no detail.
    if not strength > 1e-9 * theirs.numel():
        return None
    return ((ours * theirs).sum() / strength).item()


def detail(video: Tensor) -> Tensor:
    """``(3, F, H, W)`` to each frame less its blur, ``(F, 3, H − 4, W − 4)``; two pixels at each edge, where
    the blur would reach outside, are cut off."""
    frames = video.movedim(1, 0).flatten(0, 1)[:, None].double()
    blur = torch.tensor(_BLUR, dtype=frames.dtype, device=frames.device)
    blur = blur / blur.sum()
    margin = len(_BLUR) // 2
    blurred = F.conv2d(frames, torch.outer(blur, blur)[None, None])
    sharp = frames[..., margin:-margin, margin:-margin]
    return (sharp - blurred).unflatten(0, (-1, 3)).squeeze(2)
