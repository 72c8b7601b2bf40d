"""Which parts of a picture the networks are shown, since they see one person at a time.

A crop is left, top, right and bottom in whole pixels, ``(4,)`` int, inside the picture.
"""

import numpy as np

# Sides of square tiles as shares of the picture's shorter side, and the most tiles of one size along a side.
_TILES = (1.0, 0.66, 0.45)
_MOST = 6
# Pixels of a tile's side; in smaller tiles the networks find nobody.
_LEAST_PIXELS = 64
# A person's crop is so many times as large as the box of what is seen of the person.
_ROOM = 1.35
# A hand's crop is so many metres wide.
_HAND = 0.36


def tiles(size: tuple[int, int]) -> list[np.ndarray]:
    """The whole picture, then square tiles of several sizes, each overlapping its neighbours by about half.

    Args:
        size: width and height, pixels.
    """
    width, height = size
    found = [np.array([0, 0, width, height])]
    for share in _TILES:
        side = round(share * min(size))
        if side < _LEAST_PIXELS:
            break
        for top in _starts(height, side):
            found += [np.array([left, top, left + side, top + side]) for left in _starts(width, side)]
    # The first tile of a square picture is the whole picture, which is in the list already.
    return [crop for k, crop in enumerate(found) if not any((crop == other).all() for other in found[:k])]


def _starts(length: int, side: int) -> list[int]:
    count = min(int(np.ceil(2 * (length - side) / side)) + 1, _MOST)
    return np.linspace(0, length - side, count).round().astype(int).tolist()


def around(box: np.ndarray, size: tuple[int, int], room: float = _ROOM) -> np.ndarray:
    """A crop around a box ``(4,)`` in pixels, ``room`` times as large, square where the picture allows it."""
    centre, side = (box[:2] + box[2:]) / 2, room * float((box[2:] - box[:2]).max())
    return _inside(np.concatenate([centre - side / 2, centre + side / 2]), size)


def around_hand(wrist: np.ndarray, knuckles: np.ndarray, scale: float, size: tuple[int, int]) -> np.ndarray:
    """A crop around a hand.

    Args:
        wrist, knuckles: ``(2,)`` pixels, where the hand begins and the middle of its knuckles.
        scale: pixels that a metre takes up there.
        size: of the picture, width and height, pixels.
    """
    middle = wrist + 1.1 * (knuckles - wrist)
    half = max(_HAND * scale, 24.0) / 2
    return _inside(np.concatenate([middle - half, middle + half]), size)


def _inside(crop: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    limits = np.array([*size, *size])
    whole = np.clip(np.concatenate([np.floor(crop[:2]), np.ceil(crop[2:])]), 0, limits).astype(int)
    # A crop must have pixels: one that lies wholly outside the picture becomes a pixel at its edge.
    whole[:2] = np.minimum(whole[:2], limits[:2] - 1)
    whole[2:] = np.maximum(whole[2:], whole[:2] + 1)
    return whole
