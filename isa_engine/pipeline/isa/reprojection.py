"""The cast reprojected: a picture's people in the colours that their references show of them, by geometry
alone.

A pixel of a posed body is a place on its surface, and the reference picture shows that place somewhere else:
its colour is fetched from there (``pipeline.isa.texture``).

So a network need not paint what is known already: clothes' colours, faces, outlines. What it has to add is
what no reprojection knows: other light, hair and cloth that stand off the skin, shadows, what no picture
shows. ``dit.background_gate`` weighs one against the other, and the plate takes fine detail from here
(``pipeline.isa.over_background``).
"""

from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from isa_engine.body.twin_points import twin_points
from isa_engine.controls.surfaces import Body, Surface, joined, see, shares_of_corners
from isa_engine.errors import ShotError
from isa_engine.geometry.ndc import project, to_pixels
from isa_engine.pipeline.isa.references import pictured_with
from isa_engine.pipeline.isa.texture import Texture, texture_of, untold
from isa_engine.pipeline.pictures import decode_picture
from isa_engine.shot import Character, Shot

# Samples along each side of a pixel of what is drawn, for smooth outlines.
_FINER = 2
# Pixels of the longer side of what a reference shows of somebody, at most: more than people have in a plate.
_LONGEST = 1024
# Pixels that are drawn at once; bounds the memory of a large plate.
_AT_ONCE = 2**17


def textures_of(shot: Shot) -> tuple[Texture, ...]:
    """Of each character of a shot."""
    cast = [character for character in shot.characters if character.reference is not None]
    pictures = {}
    for number in sorted({each.reference.picture for each in cast}):
        try:
            pictures[number] = decode_picture(shot.references[number], "reference picture")
        except ShotError:
            # Where it shows somebody who enters the frame, the model's conditions need it, and say whose it
            # is.
            continue

    def texture(character: Character) -> Texture:
        if character.reference is None or character.reference.picture not in pictures:
            return untold(character.points.shape[1])
        return _texture(character, shot.characters, pictures[character.reference.picture])

    return tuple(map(texture, shot.characters))


def reprojected(
    background: np.ndarray, cast: Sequence[Body], textures: Sequence[Texture], mvp: np.ndarray
) -> np.ndarray:
    """A background, ``(H, W, 3)`` uint8 of any size, with the cast before it as each one's texture shows it.

    Args:
        cast: as posed there.
        textures: of each.
        mvp: ``(4, 4)``.
    """
    if not cast:
        return background
    surface, painted = joined(cast, range(len(cast))), background.copy()
    for rows, columns in _parts(surface.points, mvp, background.shape[1], background.shape[0]):
        closer = _lens(rows, columns, background.shape[:2]) @ mvp
        painted[rows, columns] = _painted(background[rows, columns], surface, cast, textures, closer)
    return painted


def reprojected_frame(
    shot: Shot, frame: int, background: np.ndarray, textures: Sequence[Texture]
) -> np.ndarray:
    """``reprojected`` of a shot's frame.

    Args:
        textures: ``textures_of(shot)``.
    """
    shown = [
        (who, texture) for who, texture in zip(shot.characters, textures, strict=True) if who.visible[frame]
    ]
    cast = [(who.points[frame], who.triangles) for who, _ in shown]
    return reprojected(background, cast, [texture for _, texture in shown], shot.mvp[frame])


def _parts(points: np.ndarray, mvp: np.ndarray, width: int, height: int) -> Iterator[tuple[slice, slice]]:
    """Rows and columns that cover all of a picture in which points may be, a few at a time."""
    rows, columns = _about(points, mvp, width, height)
    step = max(1, _AT_ONCE // max(1, columns.stop - columns.start))
    for first in range(rows.start, rows.stop, step):
        yield slice(first, min(first + step, rows.stop)), columns


def _about(points: np.ndarray, mvp: np.ndarray, width: int, height: int) -> tuple[slice, slice]:
    """The rows and columns of a picture between which points are; none where they are outside."""
    ndc, in_front = project(points, mvp)
    if not in_front.all():
        return slice(0, height), slice(0, width)
    places = to_pixels(ndc, (width, height))
    low, high = places.min(0) - 1, places.max(0) + 2
    if (high <= 0).any() or (low >= (width, height)).any():
        return slice(0, 0), slice(0, 0)
    (left, top), (right, bottom) = (
        edge.clip(0, (width, height)).astype(int).tolist() for edge in (low, high)
    )
    return slice(top, bottom), slice(left, right)


def _lens(rows: slice, columns: slice, whole: tuple[int, int]) -> np.ndarray:
    """What turns clip space of a picture, ``whole`` its height and width, into that of a part of it."""
    height, width = rows.stop - rows.start, columns.stop - columns.start
    lens = np.eye(4)
    lens[0, 0], lens[1, 1] = whole[1] / width, whole[0] / height
    lens[0, 3] = (whole[1] - columns.start - columns.stop) / width
    lens[1, 3] = (rows.start + rows.stop - whole[0]) / height
    return lens


def _painted(
    background: np.ndarray,
    surface: Surface,
    cast: Sequence[Body],
    textures: Sequence[Texture],
    mvp: np.ndarray,
) -> np.ndarray:
    """``reprojected``, of a surface that is the cast's."""
    height, width = background.shape[:2]
    size = _FINER * width, _FINER * height
    seen = see(surface, mvp, size)
    rows, columns = np.nonzero(seen.triangle >= 0)
    owner, corners = seen.owner[rows, columns], surface.triangles[seen.triangle[rows, columns]]
    shares = shares_of_corners(surface, mvp, corners, rows, columns, size)
    shares /= shares.sum(1, keepdims=True)
    cells = rows // _FINER * width + columns // _FINER
    given = background.reshape(-1, 3).astype(np.float32)
    painted, first = given.copy(), 0
    for number, ((points, _), texture) in enumerate(zip(cast, textures, strict=True)):
        own = np.flatnonzero(owner == number)
        if len(own):
            departs = texture.colours(corners[own] - first, shares[own]) - given[cells[own]]
            for channel in range(3):
                sums = np.bincount(cells[own], departs[:, channel], len(painted))
                painted[:, channel] += sums / _FINER**2
        first += len(points)
    return painted.reshape(background.shape).round().clip(0, 255).astype(np.uint8)


def _texture(character: Character, cast: Sequence[Character], picture: Image.Image) -> Texture:
    """Of the part of a picture that shows the character."""
    pose, (width, height) = character.reference, picture.size
    rows, columns = _about(pose.points.astype(np.float64), pose.mvp, width, height)
    if rows.stop <= rows.start or columns.stop <= columns.start:
        return untold(len(pose.points))
    part = picture.crop((columns.start, rows.start, columns.stop, rows.stop))
    part.thumbnail((_LONGEST, _LONGEST))
    closer = _lens(rows, columns, (height, width)) @ pose.mvp
    others = [(other.reference.points, other.triangles) for other in pictured_with(character, cast)]
    twins = None
    if character.skeleton is not None:
        twins = twin_points(
            character.points[0].astype(np.float64), character.triangles, character.skeleton[0]
        )
    return texture_of(np.asarray(part), pose.points, character.triangles, closer, others, twins)
