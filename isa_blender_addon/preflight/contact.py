"""Characters that reach deep into each other: the model cannot tell who is in front (paper, Fig. 17)."""

from dataclasses import replace
from itertools import combinations

import numpy as np

from isa_engine.geometry.surface import vertex_normals
from isa_engine.shot import Character, Shot

from .finding import Finding, Mend, show, spans

# Metres that bodies may reach into each other: hands that hold and shoulders that touch do not reach deeper.
DEPTH = 0.06
# Metres. A point farther than this from another body's skin is not taken to be inside that body.
_REACH = 0.35
# Points of a body that must lie so deep, lest a single one tells.
_LEAST = 3
_PROBES, _SKIN = 512, 1024
# A move apart is sought in steps of metres, up to a farthest one, on the deepest frames.
_STEP, _FARTHEST, _FRAMES = 0.05, 1.5, 6


def check_contact(shot: Shot) -> list[Finding]:
    """Pairs of characters one of whom is more than ``DEPTH`` inside the other, at their deepest frame."""
    found = []
    for first, second in combinations(shot.characters, 2):
        both = first.visible & second.visible
        depths = np.array([depth(first, second, frame) if both[frame] else 0 for frame in range(shot.frames)])
        if depths.max() <= DEPTH:
            continue
        deepest = int(depths.argmax())
        values = {
            "first": first.name,
            "second": second.name,
            "depth": 100 * depths.max(),
            "frames": spans(shot.frame_numbers, depths > DEPTH),
        }
        way = {"character": second.name, "offset": _way_out(first, second, depths)}
        mends = Mend("Move Apart", "isa.move_apart", way), show(shot.frame_numbers[deepest], second.name)
        text = "{first} and {second} are {depth:.0f} cm inside each other at {frames}."
        found.append(Finding(text, values, mends, True))
    return found


def depth(first: Character, second: Character, frame: int) -> float:
    """Metres that one body reaches into the other at a frame of the shot (its index); 0: it does not."""
    if not _near(first.points[frame], second.points[frame]):
        return 0.0
    return max(_inside(first, second, frame), _inside(second, first, frame))


def _near(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether the boxes around two bodies overlap."""
    return bool((first.min(0) <= second.max(0)).all() and (second.min(0) <= first.max(0)).all())


def _inside(probe: Character, body: Character, frame: int) -> float:
    """How far the ``_LEAST``-deepest point of one is under the nearest skin of the other."""
    skin = body.points[frame]
    normals = vertex_normals(skin, body.triangles).astype(np.float32)
    points, skin, normals = probe.points[frame, :_PROBES], skin[:_SKIN], normals[:_SKIN]
    # In single precision about the body, where squares lose nothing that matters.
    centre = skin.mean(0)
    a, b = points - centre, skin - centre
    square = (a**2).sum(1)[:, None] - 2 * a @ b.T + (b**2).sum(1)
    nearest = square.argmin(1)
    towards = skin[nearest] - points
    under = (towards * normals[nearest]).sum(1)
    under[(towards**2).sum(1) > _REACH**2] = 0
    return float(np.partition(under, -_LEAST)[-_LEAST]) if len(under) >= _LEAST else 0.0


def _way_out(first: Character, second: Character, depths: np.ndarray) -> tuple[float, float, float]:
    """The shortest move of the second along the ground, away from the first, after which they hardly touch.

    Args:
        depths: ``(F,)``; the deepest frames are looked at, and where they are deepest gives the direction.
    """
    deepest = np.argsort(-depths)[:_FRAMES]
    deepest = deepest[depths[deepest] > DEPTH]
    way = (second.points[deepest[0]].mean(0) - first.points[deepest[0]].mean(0))[:2].astype(float)
    length = np.linalg.norm(way)
    way = np.array([*(way / length), 0.0]) if length > 1e-6 else np.array([1.0, 0.0, 0.0])
    looked_at = deepest.tolist()
    for far in np.arange(_STEP, _FARTHEST, _STEP):
        moved = replace(second, points=second.points + (far * way).astype(np.float32))
        if max(depth(first, moved, frame) for frame in looked_at) >= DEPTH / 2:
            continue
        # On other frames the move may bring them into each other.
        now = [depth(first, moved, frame) for frame in range(len(depths))]
        if max(now) < DEPTH:
            break
        looked_at.append(int(np.argmax(now)))
    x, y, z = far * way
    return float(x), float(y), float(z)
