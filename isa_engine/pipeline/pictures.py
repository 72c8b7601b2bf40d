"""Encoded reference pictures to tensors, and back to encoded ones for previews."""

import io

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from isa_engine.errors import ShotError
from isa_engine.shot import canvas_size

MAX_PIXELS = 64 * 2**20


def decode_picture(encoded: bytes, where: str) -> Image.Image:
    """A PNG or JPEG as RGB, upright; transparency lies on mid-grey.

    Raises:
        ShotError: it is too large or damaged.
    """
    try:
        with Image.open(io.BytesIO(encoded), formats=("PNG", "JPEG")) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                problem = f"the picture has {picture.width} × {picture.height} pixels"
                raise ShotError(problem, where=where, remedy=f"Use at most {MAX_PIXELS} pixels.")
            picture.load()
            picture = ImageOps.exif_transpose(picture).convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        remedy = "Export it again as PNG or JPEG."
        raise ShotError("the picture is damaged", where=where, remedy=remedy) from error
    ground = Image.new("RGBA", picture.size, (128, 128, 128, 255))
    return Image.alpha_composite(ground, picture).convert("RGB")


def to_canvas(picture: Image.Image, size: tuple[int, int]) -> Tensor:
    """Resize to ``(width, height)``: ``(3, height, width)`` in [−1, 1]."""
    resized = np.array(picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0))
    return torch.from_numpy(resized).permute(2, 0, 1).float() / 127.5 - 1


def own_canvas(picture: Image.Image, short_side: int, multiple: int) -> Tensor:
    """The picture on a canvas of its own shape: a portrait reference in a landscape shot keeps its detail."""
    return to_canvas(picture, canvas_size(picture.width, picture.height, short_side, multiple))


def to_frames(video: Tensor) -> np.ndarray:
    """``(3, F, H, W)`` in [−1, 1] to ``(F, H, W, 3)`` uint8."""
    return ((video.clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 3, 0).cpu().numpy()
