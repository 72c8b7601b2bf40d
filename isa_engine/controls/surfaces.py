"""The cast's surfaces as the camera of a frame sees them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isa_engine.controls.rasterizing import DepthBuffer, pixel_boxes, pixels_in
from isa_engine.geometry.camera import NEAR
from isa_engine.geometry.ndc import pixel_centres, project, to_pixels, view_depth
from isa_engine.shot import Character, Shot

# Points ``(N, 3)``, metres in the world, and triangles ``(M, 3)`` between them.
Body = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Surface:
    """The skins of all characters that a frame shows, as one mesh.

    Attributes:
        points: ``(N, 3)`` float64, metres in the world.
        triangles: ``(M, 3)`` indices of points; the outside is where they run counter-clockwise.
        owner: ``(M,)`` the character that a triangle belongs to, as an index into the shot's.
    """

    points: np.ndarray
    triangles: np.ndarray
    owner: np.ndarray


@dataclass(frozen=True)
class Seen:
    """What is nearest at each pixel's centre.

    Attributes:
        depth: ``(height, width)`` metres along the camera's axis; infinite where nobody is.
        owner: ``(height, width)`` an index into the shot's characters, −1 where nobody is.
        triangle: ``(height, width)`` an index into the ``Surface``'s triangles, −1 where nobody is.
    """

    depth: np.ndarray
    owner: np.ndarray
    triangle: np.ndarray


def surface_of(shot: Shot, frame: int) -> Surface:
    """The surface of all characters that a frame shows."""
    shown = [(index, each) for index, each in enumerate(shot.characters) if each.visible[frame]]
    bodies = [(each.points[frame], each.triangles) for _, each in shown]
    return joined(bodies, [index for index, _ in shown])


def joined(bodies: Sequence[Body], owners: Sequence[int]) -> Surface:
    """Several bodies as one mesh.

    Args:
        owners: what each is called in ``Surface.owner``.
    """
    before = np.cumsum([0, *(len(points) for points, _ in bodies)])
    points = [np.asarray(points, np.float64) for points, _ in bodies]
    triangles = [
        np.asarray(corners, np.int64) + start for (_, corners), start in zip(bodies, before, strict=False)
    ]
    owner = [np.full(len(corners), index) for (_, corners), index in zip(bodies, owners, strict=True)]
    return Surface(
        np.concatenate([np.zeros((0, 3)), *points]),
        np.concatenate([np.zeros((0, 3), np.int64), *triangles]),
        np.concatenate([np.zeros(0, np.int64), *owner]),
    )


def in_picture(points: np.ndarray, mvp: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which points are in the picture that a camera takes, whatever hides them, and where.

    Args:
        points: ``(N, 3)`` float64, metres in the world.
        mvp: ``(4, 4)`` of the frame.

    Returns:
        ``(N,)`` bool; of the n that are in it ``(n, 2)`` NDC, between −1 and 1, and ``(n,)`` metres along the
        camera's axis.
    """
    ndc, in_front = project(points, mvp)
    within = in_front & (np.abs(ndc[:, :2]) < 1).all(-1)
    return within, ndc[within, :2], view_depth(points[within], mvp)


def see(surface: Surface, mvp: np.ndarray, size: tuple[int, int]) -> Seen:
    """What a camera sees of a surface.

    With the corners' x, y and w of clip space as the columns of a matrix M, a pixel at (X, Y) of NDC lies in
    a triangle where no part of M⁻¹ (X, Y, 1) is negative, and its depth is the inverse of their sum (Olano
    and Greer 1997): so what reaches behind the camera needs no clipping.

    Args:
        mvp: ``(4, 4)`` of the frame.
        size: width and height in pixels.
    """
    clip = (surface.points @ mvp[:, :3].T + mvp[:, 3])[:, [0, 1, 3]]
    corners = clip[surface.triangles]
    boxes = _boxes(corners, size)
    # Most triangles of a fine mesh lie between the centres of pixels.
    drawn = np.flatnonzero((boxes[:, 2] > 0) & (boxes[:, 3] > 0))
    inverse = inverses(corners[drawn])
    whole = np.isfinite(inverse).all((1, 2))
    drawn, inverse = drawn[whole], inverse[whole]
    boxes = boxes[drawn]
    buffer = DepthBuffer(size)
    # One array for each number of the inverses, as rows of them are gathered several times as slowly.
    numbers = np.ascontiguousarray(np.moveaxis(inverse, 0, -1))
    for number, columns, rows in pixels_in(boxes):
        x, y = pixel_centres(columns, rows, size)
        a, b, c = (of_x[number] * x + of_y[number] * y + of_1[number] for of_x, of_y, of_1 in numbers)
        nearness = a + b + c
        inside = (a >= 0) & (b >= 0) & (c >= 0) & (nearness > 0) & (nearness < 1 / NEAR)
        buffer.draw(drawn[number[inside]], columns[inside], rows[inside], 1 / nearness[inside])
    # Where nobody is, the index is −1, which finds the −1 appended to the owners.
    return Seen(buffer.depth, np.append(surface.owner, -1)[buffer.shape], buffer.shape)


def shares_of_corners(
    surface: Surface,
    mvp: np.ndarray,
    corners: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    size: tuple[int, int],
) -> np.ndarray:
    """How much each corner of a triangle counts at a pixel's centre in it, ``(P, 3)``, up to a common factor.

    Args:
        mvp, size: as of ``see``.
        corners: ``(P, 3)`` points of the triangles.
        rows, columns: ``(P,)`` the pixels.
    """
    clip = (surface.points @ mvp[:, :3].T + mvp[:, 3])[:, [0, 1, 3]]
    x, y = pixel_centres(columns, rows, size)
    return np.einsum("pkc,pc->pk", inverses(clip[corners]), np.stack([x, y, np.ones_like(x)], -1))


def inverses(corners: np.ndarray) -> np.ndarray:
    """Inverses ``(n, 3, 3)`` of the matrices whose columns are triangles' corners, ``(n, corner, 3)`` in x, y
    and w; not finite where a triangle is seen edge-on.

    Their rows times a pixel (X, Y, 1) are the weights of the three corners there, up to a common factor.
    """
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    rows = np.stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)], 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return rows / (a * rows[:, 0]).sum(-1)[:, None, None]


def figure_size(character: Character) -> float:
    """How large a figure is in any pose: the square root of its skin's area on the first frame, metres.

    For an adult that is about three quarters of the height.
    """
    a, b, c = np.moveaxis(character.points[0].astype(np.float64)[character.triangles], 1, 0)
    return float(np.sqrt(np.linalg.norm(np.cross(b - a, c - a), axis=-1).sum() / 2))


def pixels_a_metre(shot: Shot, frame: int, size: tuple[int, int]) -> float:
    """How many pixels a metre across the view takes up at a depth of one metre; where pixels are oblong, the
    geometric mean of both directions."""
    return float(np.sqrt(np.prod(shot.intrinsics[frame, :2] * size / 2)))


def _boxes(corners: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """``pixel_boxes`` of what lies before the camera of triangles ``(n, 3, 3)`` of x, y and w."""
    before_us = corners[..., 2] > NEAR
    a, b, c = before_us.T
    whole, cut = a & b & c, np.flatnonzero((a | b | c) & ~(a & b & c))
    places = to_pixels(corners[..., :2] / np.where(whole[:, None], corners[..., 2], 1)[..., None], size)
    # Not min and max along the corners, which take four times as long for so few.
    a, b, c = places[:, 0], places[:, 1], places[:, 2]
    low = np.where(whole[:, None], np.minimum(np.minimum(a, b), c), np.inf)
    high = np.where(whole[:, None], np.maximum(np.maximum(a, b), c), -np.inf)
    low[cut], high[cut] = _cut_at_near(corners[cut], before_us[cut], size)
    return pixel_boxes(low, high, size)


def _cut_at_near(
    corners: np.ndarray, before_us: np.ndarray, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Low and high corners, ``(n, 2)`` in pixels, of boxes about what lies before the camera of triangles
    that reach behind it. That part's corners are the triangle's, and where edges meet the near plane."""
    following, is_before = np.roll(corners, -1, 1), np.roll(before_us, -1, 1)
    crossing = before_us != is_before
    rise = np.where(crossing, following[..., 2] - corners[..., 2], 1)
    met = corners + ((NEAR - corners[..., 2]) / rise)[..., None] * (following - corners)
    ends, there = np.concatenate([corners, met], 1), np.concatenate([before_us, crossing], 1)[..., None]
    places = to_pixels(ends[..., :2] / np.where(there, ends[..., 2:], 1), size)
    # So near to the camera rounding may be worth a part of a pixel.
    return np.where(there, places, np.inf).min(1) - 1, np.where(there, places, -np.inf).max(1) + 1
