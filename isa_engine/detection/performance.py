"""How people move, from what a detector saw of them in a video: fitted, smoothed, on their feet.

The fit of each frame starts from that of the frame before. Rotations that jump against their neighbours count
for next to nothing, and the rest is smoothed by a Gaussian over time; depth, which a picture tells worst, is
smoothed most. Then standing feet are kept in place (``feet``).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from isa_engine.body import BodyModel
from isa_engine.body.fitting.evidence import evidence
from isa_engine.body.fitting.fitting import Problem
from isa_engine.body.fitting.landmarks import Sighting, detected_offsets
from isa_engine.body.model.rotation import axis_angles, matrices
from isa_engine.detection.detector import Footage
from isa_engine.detection.feet import on_their_feet
from isa_engine.detection.steady import steadied
from isa_engine.errors import BodyError

# Standard deviations of the Gaussians, in seconds: of joints and of the place in the picture, and of depth.
_SMOOTH, _SMOOTH_DEPTH = 0.05, 0.2
# A joint that is so many radians off the mean of its neighbours in time is taken for a mistake.
_MISTAKEN = 0.8
# Rounds of descent from the frame before.
_ROUNDS = 25
# If the heading seen differs from the frame before by more radians than this, the fit starts from scratch.
_TURNED = 1.0
# People who are seen in fewer frames are left out.
_LEAST = 5


@dataclass(frozen=True)
class Performance:
    """How one person moves in a video, on the M frames in which the person was fitted.

    Attributes:
        person: the number of the person.
        frames: ``(M,)`` int64, rising; 0 is the video's first.
        rotations: ``(M, 55, 3)`` axis-angle, each relative to its parent's; the pelvis's is in the camera's
            view (−Z ahead, Y up).
        pelvis: ``(M, 3)`` metres, in the camera's view.
    """

    person: int
    frames: np.ndarray
    rotations: np.ndarray
    pelvis: np.ndarray


def guessed_intrinsics(size: tuple[int, int]) -> np.ndarray:
    """Intrinsics ``(4,)`` (``geometry.camera``) of a lens whose focal length is the frame's diagonal: what
    trackers of people assume where a video does not tell."""
    width, height = size
    diagonal = np.hypot(width, height)
    return np.array([2 * diagonal / width, 2 * diagonal / height, 0.0, 0.0])


def performances(
    footage: Footage, body: BodyModel, report: Callable[[int, int], None] = lambda done, of: None
) -> list[Performance]:
    """How everybody moves who is seen in enough frames, those seen longest first.

    Args:
        footage: what the detector saw.
        body: the body that is fitted, in its mean shape.
        report: called with how many frames are fitted, and how many there are.
    """
    seen: dict[int, list[tuple[int, Sighting]]] = {}
    for number, people in enumerate(footage.frames):
        for name, sighting in people.items():
            seen.setdefault(name, []).append((number, sighting))
    lasting = sorted(
        (name for name in seen if len(seen[name]) >= _LEAST), key=lambda name: len(seen[name]), reverse=True
    )
    intrinsics, rest = guessed_intrinsics(footage.size), body.joints().astype(np.float64)
    rate, done, of = footage.rate, 0, sum(len(seen[name]) for name in lasting)
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
                # Too little of the body is seen for a fit: the person has no such frame.
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
            turned, place, _ = on_their_feet(turned, place, places, rest, time, footage.size, intrinsics)
            frames = np.array(numbers, np.int64)
            found.append(Performance(name, frames, axis_angles(turned), place))
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
    """Rotations smoothed over time, ``(M, J, 3, 3)``; those that jump count for next to nothing.

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
    """Places of landmarks smoothed over time, ``(M, P, 2)``; frames that are surer of one count for more."""
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
