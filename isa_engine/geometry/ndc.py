"""Normalised device coordinates: the space that points and latent pixels share (Eqs. 10 and 11).

NDC has x right, **y up** and z from −1 (near) to 1 (far). The paper is silent on pixel centres and on the
direction of y; ours put a point and the latent pixel that shows it at equal x and y.

``project`` uses operators that numpy arrays and torch tensors have in common, so the shot, the training
data and the viewport share one formula.
"""

import numpy as np

from isa_engine.geometry.camera import NEAR


def project(points, mvp):
    """World points to NDC (Eq. 10).

    Args:
        points: ``(..., N, 3)`` world coordinates, numpy or torch.
        mvp: ``(..., 4, 4)`` modelview-projection matrices, of the same library, broadcastable.

    Returns:
        ``(ndc, in_front)``: ``(..., N, 3)``, and ``(..., N)`` bool, false where the point lies behind the
        camera (w ≤ near). There the coordinates are finite but mean nothing: mask them.
    """
    # The matrices multiply from the left, which is faster: the renderer's points are stored axis by axis.
    clip = (mvp[..., :3] @ points.swapaxes(-1, -2)).swapaxes(-1, -2) + mvp[..., None, :, 3]
    w = clip[..., 3]
    in_front = w > NEAR
    safe_w = w * in_front + NEAR * ~in_front
    return clip[..., :3] / safe_w[..., None], in_front


def view_depth(points, mvp):
    """Depth of points along the camera's axis, metres, ``(..., N)``: ``project``'s w; arguments as there."""
    return (points @ mvp[..., 3, :3, None])[..., 0] + mvp[..., None, 3, 3]


def latent_pixels(height: int, width: int) -> np.ndarray:
    """NDC of every latent pixel's centre, on the plane of zero depth (Eq. 11).

    Returns:
        ``(height, width, 3)`` float32; row 0 is the top of the picture, so its y is the largest.
    """
    grid = np.zeros((height, width, 3), np.float32)
    x, y = pixel_centres(np.arange(width), np.arange(height), (width, height))
    grid[..., 0], grid[..., 1] = x[None, :], y[:, None]
    return grid


def pixel_centres(columns, rows, size: tuple[int, int]):
    """NDC x of pixels' columns and y of their rows, numpy or torch, in a picture of ``(width, height)``."""
    return 2 * (columns + 0.5) / size[0] - 1, 1 - 2 * (rows + 0.5) / size[1]


def to_pixels(ndc, size: tuple[int, int]):
    """NDC ``(..., ≥2)`` to places in a picture, ``(..., 2)`` pixels: x right and y **down**.

    The picture's upper left corner is at (0, 0), its first pixel's centre at (½, ½).

    Args:
        size: width and height, pixels; (1, 1) gives shares of the picture's width and height.
    """
    places = (picture_coordinates(ndc) + 1) / 2
    places[..., 0] *= size[0]
    places[..., 1] *= size[1]
    return places


def from_pixels(places, size: tuple[int, int]):
    """Places in a picture ``(..., 2)``, as of ``to_pixels``, to NDC x and y ``(..., 2)``."""
    ndc = places * 1.0
    ndc[..., 0] = 2 * ndc[..., 0] / size[0] - 1
    ndc[..., 1] = 1 - 2 * ndc[..., 1] / size[1]
    return ndc


def picture_coordinates(ndc):
    """NDC ``(..., ≥2)`` to ``(u, v)`` in [−1, 1] with v **down**: what ``grid_sample`` reads (Eq. 19).

    −1 and 1 are the picture's edges, not the centres of its outer pixels (``align_corners=False``).
    """
    uv = ndc[..., :2] * 1.0
    uv[..., 1] = -uv[..., 1]
    return uv
