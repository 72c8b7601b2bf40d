"""Which parts of a picture a detector is shown, that sees one person at a time.

A crop is left, top, right and bottom in whole pixels, ``(4,)`` int, inside the picture.
"""

import numpy as np

# Shares of the picture's shorter side that square tiles have, from large to small, and how many at most of
# each size lie along the longer and the shorter side.
_TILES = (1.0, 0.66, 0.45)
_MOST = 6
# Smaller tiles show nobody whom the networks see.
_LEAST_PIXELS = 64
# A person's crop is this much larger than what is seen of the person.
_ROOM = 1.35
# Metres of a hand's crop.
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
    # A square picture is its own first tile.
    return [crop for k, crop in enumerate(found) if not any((crop == other).all() for other in found[:k])]


def _starts(length: int, side: int) -> list[int]:
    count = min(int(np.ceil(2 * (length - side) / side)) + 1, _MOST)
    return np.linspace(0, length - side, count).round().astype(int).tolist()


def around(box: np.ndarray, size: tuple[int, int], room: float = _ROOM) -> np.ndarray:
    """A crop with room about a box ``(4,)`` pixels, square where the picture allows it."""
    centre, side = (box[:2] + box[2:]) / 2, room * float((box[2:] - box[:2]).max())
    return _inside(np.concatenate([centre - side / 2, centre + side / 2]), size)


def around_hand(wrist: np.ndarray, knuckles: np.ndarray, scale: float, size: tuple[int, int]) -> np.ndarray:
    """A crop about a hand.

    Args:
        wrist, knuckles: ``(2,)`` pixels, where the hand begins and the middle of its knuckles.
        scale: pixels a metre there.
    """
    middle = wrist + 1.1 * (knuckles - wrist)
    half = max(_HAND * scale, 24.0) / 2
    return _inside(np.concatenate([middle - half, middle + half]), size)


def _inside(crop: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    limits = np.array([*size, *size])
    whole = np.clip(np.concatenate([np.floor(crop[:2]), np.ceil(crop[2:])]), 0, limits).astype(int)
    # What lies outside the picture altogether becomes one pixel of its edge.
    whole[:2] = np.minimum(whole[:2], limits[:2] - 1)
    whole[2:] = np.maximum(whole[2:], whole[:2] + 1)
    return whole
