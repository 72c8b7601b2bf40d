"""Standing feet do not slide: the body is moved so that they stay in place, and the legs bend for the rest.

A foot stands while it moves slowly across the picture, and not fast in space, whose depth is known less well.
M counts frames.
"""

import numpy as np

from isa_engine.body.fitting.landmarks import LANDMARKS
from isa_engine.body.model.rotation import aligning
from isa_engine.body.model.skeleton import SMPLX_JOINTS, SMPLX_PARENTS

# A standing foot moves at most so many metres a second across the picture, and in space, for at least so many
# seconds.
_ACROSS, _IN_SPACE, _SHORTEST = 0.45, 2.5, 0.1
# Seconds over which a foot is fixed and released, so that the leg does not jerk.
_HOLD = 0.12
_LEGS = [
    tuple(SMPLX_JOINTS.index(f"{side}_{joint}") for joint in ("hip", "knee", "ankle", "foot"))
    for side in ("left", "right")
]
_SOLES = [[LANDMARKS.index(f"{side}_{point}") for point in ("big_toe", "heel")] for side in ("left", "right")]


def on_their_feet(
    turned: np.ndarray,
    pelvis: np.ndarray,
    places: np.ndarray,
    rest: np.ndarray,
    time: np.ndarray,
    size: tuple[int, int],
    intrinsics: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A motion without sliding feet.

    Args:
        turned: ``(M, 55, 3, 3)`` rotations of the joints, each relative to its parent's.
        pelvis: ``(M, 3)`` metres, in the camera's view.
        places: ``(M, P, 2)`` landmarks in the picture, pixels.
        rest: ``(55, 3)`` joints at rest.
        time: ``(M,)`` seconds.
        size, intrinsics: of the picture.

    Returns:
        rotations and pelvis as they came, and which feet stand, left and right, ``(M, 2)`` bool.
    """
    around, joints = posed(turned, pelvis, rest)
    balls = joints[:, [leg[3] for leg in _LEGS]]
    metre = intrinsics[1] * size[1] / 2 / -pelvis[:, 2]
    soles = np.stack([places[:, sole].mean(1) for sole in _SOLES], 1) / metre[:, None, None]
    standing = stands(soles, balls, time)
    weights, anchors = np.zeros(standing.shape), np.zeros((*standing.shape, 3))
    for side in (0, 1):
        for start, stop in spans(standing[:, side]):
            anchors[start:stop, side] = np.median(balls[start:stop, side], 0)
            ends = np.minimum(time[start:stop] - time[start], time[stop - 1] - time[start:stop])
            weights[start:stop, side] = np.clip(ends / _HOLD, 0, 1) * 0.9 + 0.1
    held = weights.sum(1)
    if not held.any():
        return turned, pelvis, standing
    way = ((anchors - balls) * weights[..., None]).sum(1) / np.maximum(held, 1e-9)[:, None]
    known = held > 0
    way = np.stack([np.interp(time, time[known], way[known, axis]) for axis in range(3)], 1)
    pelvis, joints = pelvis + way, joints + way[:, None]
    turned = turned.copy()
    for side, leg in enumerate(_LEGS):
        for frame in np.flatnonzero(standing[:, side]):
            left = anchors[frame, side] - joints[frame, leg[3]]
            _reach(turned[frame], around[frame], joints[frame], leg, left * weights[frame, side])
    return turned, pelvis, standing


def stands(soles: np.ndarray, balls: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Which feet stand, ``(M, 2)`` bool.

    Args:
        soles: ``(M, 2, 2)`` places in the picture, in metres at the body's depth.
        balls: ``(M, 2, 3)`` places in space of the balls of the feet, metres.
        time: ``(M,)`` seconds.
    """
    slow = (_speed(soles, time) < _ACROSS) & (_speed(balls, time) < _IN_SPACE)
    for side in (0, 1):
        for start, stop in spans(slow[:, side]):
            if time[stop - 1] - time[start] < _SHORTEST:
                slow[start:stop, side] = False
    return slow


def spans(flags: np.ndarray) -> list[tuple[int, int]]:
    """First index, and last plus one, of each run of true flags."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def posed(turned: np.ndarray, pelvis: np.ndarray, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Global rotations ``(M, 55, 3, 3)`` and places ``(M, 55, 3)`` of all joints, in ``pelvis``'s axes."""
    around, joints = np.empty_like(turned), np.empty((len(turned), len(rest), 3))
    around[:, 0], joints[:, 0] = turned[:, 0], pelvis
    for joint, parent in enumerate(SMPLX_PARENTS[1:], 1):
        around[:, joint] = around[:, parent] @ turned[:, joint]
        joints[:, joint] = joints[:, parent] + around[:, parent] @ (rest[joint] - rest[parent])
    return around, joints


def _speed(places: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Metres a second ``(M, 2)``, between the frames before and after each."""
    ahead, back = np.minimum(np.arange(len(time)) + 1, len(time) - 1), np.maximum(np.arange(len(time)) - 1, 0)
    seconds = np.maximum(time[ahead] - time[back], 1e-6)
    return np.linalg.norm(places[ahead] - places[back], axis=-1) / seconds[:, None]


def _reach(
    local: np.ndarray, around: np.ndarray, joints: np.ndarray, leg: tuple[int, ...], way: np.ndarray
) -> None:
    """Move an ankle by ``way`` metres by turning hip and knee, and keep the foot's orientation.

    Args:
        local: ``(55, 3, 3)`` rotations relative to parents, of one frame; changed in place.
        around, joints: global rotations ``(55, 3, 3)`` and places ``(55, 3)`` of the same frame.
        leg: indices of hip, knee, ankle and foot.
    """
    hip, knee, ankle, _ = leg
    thigh, shin = joints[knee] - joints[hip], joints[ankle] - joints[knee]
    long, short = np.linalg.norm(thigh), np.linalg.norm(shin)
    target = joints[ankle] + way - joints[hip]
    far = np.clip(np.linalg.norm(target), abs(long - short) + 1e-4, (long + short) * 0.9999)
    ahead = target / np.linalg.norm(target)
    # The knee stays in the plane of hip, knee and ankle.
    out = thigh - ahead * (thigh @ ahead)
    out = out / max(np.linalg.norm(out), 1e-9)
    along = (long**2 - short**2 + far**2) / (2 * far)
    new_knee = ahead * along + out * np.sqrt(max(long**2 - along**2, 0.0))
    turned_hip = aligning(thigh, new_knee) @ around[hip]
    turned_knee = aligning(shin, ahead * far - new_knee) @ around[knee]
    local[hip] = around[SMPLX_PARENTS[hip]].T @ turned_hip
    local[knee] = turned_hip.T @ turned_knee
    local[ankle] = turned_knee.T @ around[ankle]
