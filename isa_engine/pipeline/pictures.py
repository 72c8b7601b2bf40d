"""Between pictures as files and bytes have them, and tensors."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from isa_engine.sandbox import decode


def decode_picture(encoded: bytes, where: str) -> Image.Image:
    """A PNG or JPEG as RGB, decoded in a limited process (``sandbox.media.picture``).

    Raises:
        ShotError: it is too large, too long or damaged.
    """
    return Image.fromarray(decode(encoded, where))


def to_canvas(
    picture: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float] | None = None
) -> Tensor:
    """Resize to ``(width, height)``: ``(3, height, width)`` in [−1, 1].

    Args:
        box: left, top, right and bottom in pixels of the part to show; all of it if None.
    """
    resized = np.array(picture.resize(size, Image.Resampling.LANCZOS, box, reducing_gap=3.0))
    return to_video(resized[None])[0, :, 0]


def to_video(frames: np.ndarray) -> Tensor:
    """``(F, H, W, 3)`` uint8 to ``(1, 3, F, H, W)`` in [−1, 1]."""
    return torch.from_numpy(frames).permute(3, 0, 1, 2)[None].float() / 127.5 - 1


def to_frames(video: Tensor) -> np.ndarray:
    """``(1, 3, F, H, W)`` in [−1, 1] to ``(F, H, W, 3)`` uint8."""
    return ((video[0].clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 3, 0).cpu().numpy()


def to_shares(shares: Tensor) -> np.ndarray:
    """A number a pixel, ``(1, 1, F, H, W)``, as ``(F, H, W, 1)`` float32."""
    return shares[0].permute(1, 2, 3, 0).float().cpu().numpy()
