"""How people move, from what a detector saw of them in a video: fitted, smoothed, on their feet.

Each person is fitted from where the last frame left them. What jumps against its neighbours is left out, the
rest is smoothed by a Gaussian over time, depth more than what the picture tells better; then feet that stand
are held where they stand (``feet``).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from isa_engine.body import BodyModel
from isa_engine.body.evidence import evidence
from isa_engine.body.fitting import Problem
from isa_engine.body.landmarks import Sighting, detected_offsets
from isa_engine.body.rotation import axis_angles, matrices
from isa_engine.detection.detector import Footage
from isa_engine.detection.feet import on_their_feet
from isa_engine.detection.steady import steadied
from isa_engine.errors import BodyError

# Seconds of the Gaussians: of joints and of the place in the picture, and of depth.
_SMOOTH, _SMOOTH_DEPTH = 0.05, 0.2
# Radians that a joint may be off its neighbours' mean before it is thought to be mistaken.
_MISTAKEN = 0.8
_ROUNDS = 25
# Radians between where the body faced and faces: farther, it is looked for anew.
_TURNED = 1.0
# Frames that somebody is to be seen in.
_LEAST = 5
# Where a file does not tell how many frames a second has.
_RATE = 25.0


@dataclass(frozen=True)
class Performance:
    """One person through a video; of M frames in which that person was seen.

    Attributes:
        person: the number of the person.
        frames: ``(M,)`` int64, rising, counted from the video's first.
        rotations: ``(M, 55, 3)`` axis-angle; the pelvis's is in the camera's view (−Z ahead, Y up).
        pelvis: ``(M, 3)`` metres there.
        standing: ``(M, 2)`` whether the left and the right foot stand.
    """

    person: int
    frames: np.ndarray
    rotations: np.ndarray
    pelvis: np.ndarray
    standing: np.ndarray


def guessed_intrinsics(size: tuple[int, int]) -> np.ndarray:
    """``(4,)`` (``geometry.camera``) of a lens as long as the frame's diagonal, as people trackers guess."""
    width, height = size
    diagonal = np.hypot(width, height)
    return np.array([2 * diagonal / width, 2 * diagonal / height, 0.0, 0.0])


def performances(
    footage: Footage, body: BodyModel, report: Callable[[int, int], None] = lambda done, of: None
) -> list[Performance]:
    """How everybody moves who is seen long enough, the most seen first.

    Args:
        body: of mean shape, whose joints are fitted.
        report: told how many frames of how many are fitted.
    """
    seen: dict[int, list[tuple[int, Sighting]]] = {}
    for number, people in enumerate(footage.frames):
        for name, sighting in people.items():
            seen.setdefault(name, []).append((number, sighting))
    lasting = sorted(
        (name for name in seen if len(seen[name]) >= _LEAST), key=lambda name: len(seen[name]), reverse=True
    )
    intrinsics, rest = guessed_intrinsics(footage.size), body.joints().astype(np.float64)
    rate, done, of = footage.rate or _RATE, 0, sum(len(seen[name]) for name in lasting)
    found = []
    for name in lasting:
        numbers, rotations, pelvis, sure = [], [], [], []
        parameters: np.ndarray | None = None
        numbered = [number for number, _ in seen[name]]
        steady = steadied([sighting for _, sighting in seen[name]])
        seen[name] = [one for one in zip(numbered, steady, strict=True) if one[1] is not None]
        for number, sighting in seen[name]:
            done += 1
            report(done, of)
            try:
                problem, parameters = _fitted(rest, sighting, footage.size, intrinsics, parameters)
            except BodyError:
                # Too little of the body is seen: this frame is filled in.
                continue
            numbers.append(number)
            rotations.append(problem.rotations(parameters, sighting))
            pelvis.append(parameters[3:6])
            sure.append(sighting.sure.mean())
        if len(numbers) >= _LEAST:
            time, kept = np.array(numbers) / rate, set(numbers)
            turned = smoothed(matrices(np.array(rotations)), np.array(sure), time)
            place = _smooth_place(np.array(pelvis), time)
            shown = [one for number, one in seen[name] if number in kept]
            places = _smooth_landmarks(shown, time)
            turned, place, standing = on_their_feet(
                turned, place, places, rest, time, footage.size, intrinsics
            )
            frames = np.array(numbers, np.int64)
            found.append(Performance(name, frames, axis_angles(turned), place, standing))
    return found


def _fitted(
    rest: np.ndarray,
    sighting: Sighting,
    size: tuple[int, int],
    intrinsics: np.ndarray,
    before: np.ndarray | None,
) -> tuple[Problem, np.ndarray]:
    known = evidence(sighting.marks(), size, intrinsics, sighting)
    problem = Problem(rest, known, size, intrinsics, detected_offsets())
    if before is not None:
        facing = matrices(before[:3])[:, 2]
        off = known.turn - np.arctan2(facing[0], facing[2])
        if np.abs((off + np.pi) % (2 * np.pi) - np.pi) < _TURNED:
            return problem, problem.descend(before, _ROUNDS)[0]
    return problem, problem.solved()


def smoothed(turned: np.ndarray, sure: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Rotations over time without what jumps.

    Args:
        turned: ``(M, J, 3, 3)``.
        sure: ``(M,)`` how sure each frame is.
        time: ``(M,)`` seconds, rising.
    """
    near = _weights(time, 2 * _SMOOTH) * (1 - np.eye(len(time)))
    around = _mean(near * sure, turned)
    off = np.swapaxes(around, -1, -2) @ turned
    angle = np.arccos(np.clip((np.trace(off, axis1=-2, axis2=-1) - 1) / 2, -1, 1))
    trusted = np.where(angle > _MISTAKEN, 1e-3, 1.0) * sure[:, None]
    weights = _weights(time, _SMOOTH)
    return _nearest(np.einsum("mn,nj,njab->mjab", weights, trusted, turned))


def _smooth_place(pelvis: np.ndarray, time: np.ndarray) -> np.ndarray:
    depth = np.exp(_normal(_weights(time, _SMOOTH_DEPTH)) @ np.log(-pelvis[:, 2]))
    across = _normal(_weights(time, _SMOOTH)) @ (pelvis[:, :2] / -pelvis[:, 2:])
    return np.concatenate([across * depth[:, None], -depth[:, None]], 1)


def _smooth_landmarks(shown: list[Sighting], time: np.ndarray) -> np.ndarray:
    """Places of landmarks over time, ``(M, P, 2)``; those that are sure count for more."""
    sure = np.stack([one.sure for one in shown]) ** 2 + 1e-4
    sums = np.einsum("mn,np,npa->mpa", _weights(time, _SMOOTH), sure, np.stack([one.places for one in shown]))
    return sums / (_weights(time, _SMOOTH) @ sure)[..., None]


def _weights(time: np.ndarray, width: float) -> np.ndarray:
    return np.exp(-0.5 * ((time[:, None] - time) / width) ** 2)


def _normal(weights: np.ndarray) -> np.ndarray:
    return weights / weights.sum(1, keepdims=True)


def _mean(weights: np.ndarray, turned: np.ndarray) -> np.ndarray:
    return _nearest(np.einsum("mn,njab->mjab", weights, turned))


def _nearest(sums: np.ndarray) -> np.ndarray:
    """The rotations nearest to sums of rotations ``(..., 3, 3)``."""
    u, _, v = np.linalg.svd(sums)
    sign = np.ones((*sums.shape[:-2], 3))
    sign[..., 2] = np.linalg.det(u @ v)
    return (u * sign[..., None, :]) @ v
