"""Between pictures as files and bytes have them, and tensors."""

import io

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from isa_engine.errors import ShotError

MAX_PIXELS = 64 * 2**20
_REMEDY_LARGE = f"Use at most {MAX_PIXELS // 10**6} megapixels."
# Its canvas grows with this: a long strip would fill the memory.
MAX_ASPECT = 8


def decode_picture(encoded: bytes, where: str) -> Image.Image:
    """A PNG or JPEG as RGB; transparency lies on mid-grey.

    Its pixels stay as they lie: Blender, where the character was matched to them, ignores EXIF's orientation.

    Raises:
        ShotError: it is too large, too long or damaged.
    """
    try:
        # Opening reads the header alone.
        with Image.open(io.BytesIO(encoded), formats=("PNG", "JPEG")) as picture:
            _check_size(*picture.size, where)
            picture = picture.convert("RGBA")
    except Image.DecompressionBombError as error:
        raise ShotError("the picture is too large", where=where, remedy=_REMEDY_LARGE) from error
    except (OSError, ValueError, SyntaxError) as error:
        remedy = "Export it again as PNG or JPEG."
        raise ShotError("the picture is damaged", where=where, remedy=remedy) from error
    ground = Image.new("RGBA", picture.size, (128, 128, 128, 255))
    return Image.alpha_composite(ground, picture).convert("RGB")


def to_canvas(picture: Image.Image, size: tuple[int, int]) -> Tensor:
    """Resize to ``(width, height)``: ``(3, height, width)`` in [−1, 1]."""
    resized = np.array(picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0))
    return to_video(resized[None])[0, :, 0]


def to_video(frames: np.ndarray) -> Tensor:
    """``(F, H, W, 3)`` uint8 to ``(1, 3, F, H, W)`` in [−1, 1]."""
    return torch.from_numpy(frames).permute(3, 0, 1, 2)[None].float() / 127.5 - 1


def to_frames(video: Tensor) -> np.ndarray:
    """``(1, 3, F, H, W)`` in [−1, 1] to ``(F, H, W, 3)`` uint8."""
    return ((video[0].clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 3, 0).cpu().numpy()


def _check_size(width: int, height: int, where: str) -> None:
    if width * height > MAX_PIXELS:
        problem, remedy = "is too large", _REMEDY_LARGE
    elif max(width, height) > MAX_ASPECT * min(width, height):
        problem, remedy = "is too long", "Crop it around the people in it."
    else:
        return
    raise ShotError(f"the picture of {width} × {height} pixels {problem}", where=where, remedy=remedy)
