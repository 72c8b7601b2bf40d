"""Skeletons as OpenPose draws them, except that nearer limbs hide farther ones."""

from collections.abc import Iterable, Iterator

import numpy as np

from isa_engine.controls.openpose import (
    BODY_LIMBS,
    COLOURS,
    HAND_COLOURS,
    HAND_JOINT_COLOUR,
    HAND_LIMBS,
    LIMB_SHADE,
    body_points,
    hand_points,
)
from isa_engine.controls.rasterizing import DepthBuffer, pixel_boxes, pixels_in
from isa_engine.controls.surfaces import figure_size, pixels_a_metre
from isa_engine.geometry.camera import NEAR
from isa_engine.geometry.ndc import to_pixels
from isa_engine.shot import Shot

# Half a limb's width, as a share of ``figure_size``: OpenPose's 4 pixels where an adult is about 300 pixels
# tall. Lines of fingers have a quarter of that width, the dots on them half.
_HALF_WIDTH = 0.018
_FINGER = 0.25
# Half a line's least width in pixels: thinner ones would pass between pixels' centres and fall apart.
_THINNEST = 0.75


def pose_pictures(
    shot: Shot, size: tuple[int, int], frames: Iterable[int] | None = None
) -> Iterator[np.ndarray]:
    """The skeletons of the characters that each frame shows; characters without one are left out.

    Args:
        frames: those that are drawn, counted from 0; None: all.

    Yields:
        ``(height, width, 3)`` uint8 on black.
    """
    widths = [_HALF_WIDTH * figure_size(character) for character in shot.characters]
    views = shot.mvp
    for frame in range(shot.frames) if frames is None else frames:
        people = [
            skeleton_strokes(character.skeleton[frame], width)
            for character, width in zip(shot.characters, widths, strict=True)
            if character.skeleton is not None and character.visible[frame]
        ]
        picture = np.zeros((size[1], size[0], 3), np.uint8)
        if people:
            ends, half_width, colour = (np.concatenate(parts) for parts in zip(*people, strict=True))
            shape = draw(ends, half_width, views[frame], pixels_a_metre(shot, frame, size), size)
            picture[shape >= 0] = colour[shape[shape >= 0]]
        yield picture


def skeleton_strokes(skeleton: np.ndarray, half_width: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The strokes of a skeleton ``(60, 3)``; those with an unknown end are left out.

    Args:
        half_width: of a body's limbs, metres.

    Returns:
        of n strokes, which are limbs, or joints as limbs of no length: the ends ``(n, 2, 3)`` in the world,
        half the width ``(n,)`` in metres, the colour ``(n, 3)`` uint8.
    """
    skeleton = skeleton.astype(np.float64)
    body, hands = body_points(skeleton), hand_points(skeleton)
    shaded = (COLOURS[: len(BODY_LIMBS)] * LIMB_SHADE).astype(np.uint8)
    parts = [
        (body[list(BODY_LIMBS)], 1.0, shaded),
        (np.stack([body, body], 1), 1.0, COLOURS.astype(np.uint8)),
    ]
    for hand in hands:
        blue = np.tile(HAND_JOINT_COLOUR, (len(hand), 1)).astype(np.uint8)
        parts.append((hand[list(HAND_LIMBS)], _FINGER, HAND_COLOURS.astype(np.uint8)))
        parts.append((np.stack([hand, hand], 1), 2 * _FINGER, blue))
    ends = np.concatenate([part for part, _, _ in parts])
    width = np.concatenate([np.full(len(part), half_width * share) for part, share, _ in parts])
    colour = np.concatenate([colour for _, _, colour in parts])
    known = ~np.isnan(ends).any((1, 2))
    return ends[known], width[known], colour[known]


def draw(
    ends: np.ndarray, half_width: np.ndarray, mvp: np.ndarray, zoom: float, size: tuple[int, int]
) -> np.ndarray:
    """The number of the nearest stroke at each pixel's centre, ``(height, width)``; −1 where there is none.

    A limb is an ellipse from end to end, wider where it is nearer; a joint is a disc, in front of the limbs
    that end in it.

    Args:
        ends, half_width: of ``skeleton_strokes``.
        mvp: ``(4, 4)`` of the frame.
        zoom: pixels that a metre takes up at one metre's depth.
        size: width and height in pixels.
    """
    clip = _before_camera((ends @ mvp[:, :3].T + mvp[:, 3])[..., [0, 1, 3]])
    drawn = np.flatnonzero((clip[..., 2] >= NEAR).all(1))
    depth = clip[drawn, :, 2]
    places = to_pixels(clip[drawn, :, :2] / depth[..., None], size)
    radius = np.maximum(half_width[drawn, None] * zoom / depth, _THINNEST)
    ball = (ends[drawn, 0] == ends[drawn, 1]).all(-1)
    depth = np.maximum(depth - np.where(ball, half_width[drawn], 0)[:, None], NEAR / 2)
    boxes = pixel_boxes((places - radius[..., None]).min(1), (places + radius[..., None]).max(1), size)
    buffer = DepthBuffer(size)
    for number, columns, rows in pixels_in(boxes):
        start, along = places[number, 0], places[number, 1] - places[number, 0]
        away = np.stack([columns, rows], -1) + 0.5 - start
        length = np.maximum((along**2).sum(-1), np.finfo(float).tiny)
        share = (away * along).sum(-1) / length
        across = (along[:, 0] * away[:, 1] - along[:, 1] * away[:, 0]) ** 2 / length
        between = share.clip(0, 1)[:, None]
        width = (radius[number] * np.concatenate([1 - between, between], 1)).sum(-1)
        in_limb = across / width**2 + (2 * share - 1) ** 2 <= 1
        in_ball = (away**2).sum(-1) <= radius[number, 0] ** 2
        inside = np.where(ball[number], in_ball, in_limb)
        # Along a line's picture it is the inverse of depth that changes evenly, not depth itself.
        nearness = ((1 / depth[number]) * np.concatenate([1 - between, between], 1)).sum(-1)
        buffer.draw(drawn[number[inside]], columns[inside], rows[inside], 1 / nearness[inside])
    return buffer.shape


def _before_camera(clip: np.ndarray) -> np.ndarray:
    """Lines ``(n, 2, 3)`` of x, y and w, those that cross the near plane cut off there. Lines wholly behind
    it are returned as they are, and not drawn."""
    behind = clip[..., 2] < NEAR
    crosses = behind[:, 0] != behind[:, 1]
    start, way = clip[crosses, 0], clip[crosses, 1] - clip[crosses, 0]
    cut = start + ((NEAR - start[:, 2]) / way[:, 2])[:, None] * way
    cut[:, 2] = NEAR
    result = clip.copy()
    result[crosses] = np.where(behind[crosses, :, None], cut[:, None], clip[crosses])
    return result
