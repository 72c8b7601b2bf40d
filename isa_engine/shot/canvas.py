"""The generated canvas: how many pixels the model paints for a camera's frame.

The canvas covers the camera's frame exactly, whatever its shape: NDC does not know pixels, so sizes snap
to the model's multiples and the pixels become slightly oblong. Nothing is cropped or padded.
"""

from isa_engine.geometry.tiles import enlarged


def canvas_size(
    width: float, height: float, short_side: int, multiple: int, detail: int = 1
) -> tuple[int, int]:
    """Size in pixels ``(width, height)``: the short side as trained, the long side in proportion.

    Args:
        width, height: shape of the camera's frame, in square units (pixel aspect applied).
        short_side: the model's, a multiple of ``multiple``.
        multiple: video pixels to a token's side.
        detail: tiles along the shorter side, of a canvas larger than the model's own (``geometry.tiles``).
    """
    scale = enlarged(short_side, detail) / min(width, height)
    snap = [max(multiple, multiple * round(side * scale / multiple)) for side in (width, height)]
    return snap[0], snap[1]


def anisotropy(width: int, height: int, canvas: tuple[int, int]) -> float:
    """How oblong a generated pixel is when shown on the frame: 1 is square, above 1 is wide."""
    return (width / canvas[0]) / (height / canvas[1])
