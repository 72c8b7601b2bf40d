"""Contact sheets: videos below one another, a few moments of each."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from torch import Tensor

from isa_engine.pipeline.pictures import to_frames

_MOMENTS = 5
_LABEL = 14


def write_contact_sheet(path: Path, rows: list[tuple[str, Tensor]]) -> None:
    """Write a PNG.

    Args:
        rows: a label and a video ``(3, F, H, W)`` in [−1, 1] each, all of one shape.
    """
    _, frames, height, width = rows[0][1].shape
    moments = np.linspace(0, frames - 1, min(_MOMENTS, frames)).round().astype(int)
    sheet = Image.new("RGB", (width * len(moments), (height + _LABEL) * len(rows)), "white")
    draw = ImageDraw.Draw(sheet)
    for row, (label, video) in enumerate(rows):
        top = row * (height + _LABEL)
        draw.text((2, top + 1), label, fill="black")
        for column, picture in enumerate(to_frames(video[None, :, moments])):
            sheet.paste(Image.fromarray(picture), (column * width, top + _LABEL))
    sheet.save(path, "PNG")
