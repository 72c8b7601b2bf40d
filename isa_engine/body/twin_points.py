"""Which point of a body lies on its other side where each one does on this, told in any pose.

Ways along the skin are as long in every pose, and as long on one side as on the other.
"""

import numpy as np

from isa_engine.body.model.skeleton import MIRRORED, SMPLX_JOINTS
from isa_engine.geometry.surface import along_skin

# The nose's place in a shot's skeletons (``shot.Character.skeleton``): what tells front from back.
_NOSE = len(SMPLX_JOINTS)
# Joints that stand out of the trunk, and the nose: the skin about each is its own, whatever else is close by.
_STANDING_OUT = [_NOSE] + [
    SMPLX_JOINTS.index(f"{side}_{name}")
    for side in ("left", "right")
    for name in ("ankle", "foot", "knee", "elbow", "wrist", "thumb3", "index3", "pinky3")
]
# Metres: ways to joints count by the square of their nearness, none nearer than this.
_NEAREST = 0.1
# Metres from the spine to about where the trunk's skin is.
_DEEP = 0.15
# How much ways between joints differ from one side to the other in any pose, as a share of the longest. Where
# limbs touch, the skin that is nearest to a joint may be another limb's: its ways differ by twice as much.
_UNLIKE = 0.07


def twin_points(points: np.ndarray, triangles: np.ndarray, joints: np.ndarray) -> np.ndarray | None:
    """The point whose ways along the skin to hands, feet, face and trunk are most like those of each one to
    the same places of the other side, ``(N,)``; itself, where no way leads there. None where a joint is not
    known, there are no triangles, or nothing is alike on both sides.

    Args:
        points: ``(N, 3)`` metres.
        triangles: ``(M, 3)`` between them.
        joints: ``(60, 3)``, as of ``shot.Character.skeleton``.
    """
    joints = np.asarray(joints, np.float64)
    marks = np.concatenate([joints[_STANDING_OUT], _about_the_trunk(joints)])
    if not len(triangles) or not np.isfinite(marks).all():
        return None
    joined = np.unique(triangles)
    starts = joined[np.linalg.norm(points[joined] - marks[:, None], axis=-1).argmin(1)]
    away = along_skin(points, triangles, starts)
    mirrored = [_STANDING_OUT.index([*MIRRORED, _NOSE][joint]) for joint in _STANDING_OUT]
    mirrored = np.array([*mirrored, *range(len(mirrored), len(marks))])
    sound = _alike(away[starts], mirrored)
    if not sound.any():
        return None
    reached = np.isfinite(away).all(1)
    away = np.where(reached[:, None], away, 0.0)
    other = away[:, mirrored]
    weight = sound / np.maximum(away, _NEAREST) ** 2
    # Σ w (a − b)² without the part that does not depend on b, the other side's.
    differ = weight @ np.square(other).T - 2 * (weight * away) @ other.T
    twins = np.where(reached, differ, np.inf).argmin(1)
    return np.where(reached, twins, np.arange(len(points)))


def _about_the_trunk(joints: np.ndarray) -> np.ndarray:
    """Places before and behind the chest and the pelvis, ``(4, 3)``: the nose is too far to tell their fronts
    from their backs."""
    places = []
    for sides, low, high in (("shoulder", "spine3", "neck"), ("hip", "pelvis", "spine1")):
        names = f"left_{sides}", f"right_{sides}", low, high
        left, right, middle, above = (joints[SMPLX_JOINTS.index(name)] for name in names)
        ahead = np.cross(left - right, above - middle)
        ahead *= _DEEP / np.linalg.norm(ahead).clip(1e-12)
        places += [middle + ahead, middle - ahead]
    return np.stack(places)


def _alike(ways: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
    """Which of S places have the same ways to most others as their mirror images have to those of these.

    Args:
        ways: ``(S, S)`` metres between them.
        mirrored: ``(S,)`` the mirror image of each.
    """
    most = _UNLIKE * ways[np.isfinite(ways)].max()
    alike = np.isclose(ways, ways[mirrored][:, mirrored], rtol=0, atol=most)
    # Ways to what is its own mirror image say nothing of what is that, too.
    return alike[:, mirrored != np.arange(len(mirrored))].mean(1) > 0.5
