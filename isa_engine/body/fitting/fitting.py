"""The pose of a body from what is known of it in a picture: least squares under a pose prior.

Minimises, by Levenberg and Marquardt's method from several headings, the landmarks' distances in the picture
and the bones' angles in space (``evidence``), each divided by the error that is expected of it, together with
how unlikely the pose is (``pose_prior``) and, where nothing tells of depth, how far the body leans. What the
picture does not tell, the prior decides.
"""

from dataclasses import dataclass, replace

import numpy as np

from isa_engine.body.fitting.evidence import BONES, Evidence, evidence, ray
from isa_engine.body.fitting.hands import finger_rotations
from isa_engine.body.fitting.keypoints import BODY_JOINTS, KEYPOINTS
from isa_engine.body.fitting.landmarks import LANDMARKS, Sighting, carriers, detected_offsets
from isa_engine.body.fitting.pose_prior import pose_prior
from isa_engine.body.model.rotation import aligning, matrices
from isa_engine.body.model.skeleton import SMPLX_JOINTS, SMPLX_PARENTS
from isa_engine.errors import BodyError
from isa_engine.geometry.ndc import from_pixels, to_pixels

# A fit with a larger error, as a share of the figure's size in the picture, has failed.
_FAILED = 0.05
# The sine of a lean that costs as much as an error of the expected size.
_LEAN = 0.35
# The weight of the pose prior.
_PRIOR = 1.0
# Headings to start from, in turns from facing the camera; where the heading is seen, turns from that one.
_HEADINGS, _NEAR_HEADINGS = np.arange(8) / 8, np.array([0, 1 / 8, -1 / 8])
# Every heading gets a few rounds of descent, then the best get many.
_FIRST_ROUNDS, _LAST_ROUNDS, _FINALISTS = 12, 60, 3
# The step of the finite differences, in radians and metres.
_DIFFERENCE = 1e-5
# Which parameters are the root's rotation, its place, and the other joints' rotations.
_ROOT, _PLACE, _BODY = slice(0, 3), slice(3, 6), slice(6, None)
_WRISTS = SMPLX_JOINTS.index("left_wrist"), SMPLX_JOINTS.index("right_wrist")


@dataclass(frozen=True)
class Fit:
    """A body in front of a camera that stands at the origin, looks along −Z and has Y up.

    Attributes:
        rotations: ``(55, 3)`` axis-angle of each joint relative to its parent; the face, and hands that were
            not seen, are at rest.
        translation: ``(3,)`` metres: the pelvis is at its rest place plus this.
        keypoints: ``(17, 2)`` pixels, y down, where the fitted body has them.
        error: root mean square distance to the marked places, pixels.
    """

    rotations: np.ndarray
    translation: np.ndarray
    keypoints: np.ndarray
    error: float


def fit_pose(
    rest: np.ndarray,
    marked: np.ndarray,
    size: tuple[int, int],
    intrinsics: np.ndarray,
    sighting: Sighting | None = None,
) -> Fit:
    """Fit a body to keypoints that an artist marked, a detector saw, or both.

    Args:
        rest: ``(55, 3)`` joints at rest, metres, Y up, facing +Z.
        marked: ``(17, 2)`` pixels, y down from the picture's top left corner; NaN where unmarked.
        size: of the picture in pixels, width and height.
        intrinsics: ``(4,)``, ``geometry.camera``.
        sighting: what a detector saw; where a mark lies elsewhere than it says, the mark counts.

    Raises:
        BodyError: too few keypoints are marked, they lie in one place, or no pose fits them.
    """
    known = evidence(marked, size, intrinsics, sighting)
    problem = Problem(np.asarray(rest, np.float64), known, size, intrinsics)
    parameters = problem.solved()
    places = problem.pixels(parameters[None])[0]
    off = np.where(known.marked, np.linalg.norm(places - known.places, axis=1), 0)
    error = float(np.sqrt((off[known.marked] ** 2).mean()))
    if error > _FAILED * known.extent:
        worst = LANDMARKS[int(off.argmax())].replace("_", " ")
        remedy = "Check that left and right are the character's own, or pose the stand-in by hand."
        raise BodyError(
            f"no pose fits the marks: {error:.0f} pixels are left, most at the {worst}", remedy=remedy
        )
    return Fit(
        problem.rotations(parameters, sighting),
        parameters[_PLACE] - problem.rest[0],
        places[: len(KEYPOINTS)],
        error,
    )


def settled(rest: np.ndarray, sighting: Sighting, size: tuple[int, int], intrinsics: np.ndarray) -> Sighting:
    """A sighting with its places moved to where our landmarks are.

    The detector puts its landmarks elsewhere on the body (``landmarks.detected_offsets``), and how far that
    is in the picture depends on how the body stands: so a pose is fitted first. Arguments and errors as of
    ``fit_pose``.
    """
    known = evidence(sighting.marks(), size, intrinsics, sighting)
    offsets = detected_offsets()
    problem = Problem(np.asarray(rest, np.float64), known, size, intrinsics, offsets)
    moved, pixels = problem.moved(problem.solved(), -offsets)
    turn = aligning(np.array([0, 0, -1.0]), ray(sighting.middle(), size, intrinsics))
    return replace(sighting, places=sighting.places + pixels, shape=sighting.shape + moved @ turn)


class Problem:
    """The least-squares problem of one fit.

    Its ``(69,)`` parameters are the root's rotation, its place, and the rotations of joints 1 to 21.

    Args:
        rest: ``(55, 3)`` joints at rest.
        known: what the body is to agree with.
        size, intrinsics: of the picture.
        elsewhere: ``(P, 3)`` metres from our landmarks to those in ``known``, in the axes of their joints.
    """

    def __init__(
        self,
        rest: np.ndarray,
        known: Evidence,
        size: tuple[int, int],
        intrinsics: np.ndarray,
        elsewhere: np.ndarray | float = 0.0,
    ):
        self.rest, self.known = rest, known
        self.size, self.intrinsics = np.array(size, float), np.array(intrinsics, float)
        self.carriers, offsets = carriers(rest)
        self.offsets = offsets + elsewhere
        self.prior = pose_prior()

    def solved(self) -> np.ndarray:
        """The parameters that agree best, from several headings."""
        turns = self.known.turn + 2 * np.pi * _NEAR_HEADINGS if self.known.in_space else 2 * np.pi * _HEADINGS
        first = [self.descend(self.start(turn), _FIRST_ROUNDS) for turn in turns]
        best = sorted(first, key=lambda found: found[1])[:_FINALISTS]
        last = [self.descend(found, _LAST_ROUNDS) for found, _ in best]
        return min(last, key=lambda found: found[1])[0]

    def moved(self, parameters: np.ndarray, by: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How far landmarks move in the view, ``(P, 3)`` metres, and in the picture, ``(P, 2)`` pixels, when
        each is moved ``by`` so many metres, ``(P, 3)``, in its joint's axes."""
        turned, placed = self._posed(parameters[None])
        points = self._carried(turned, placed)
        way = (turned[:, self.carriers] @ by[..., None])[..., 0]
        return way[0], (self._in_picture(points + way) - self._in_picture(points))[0]

    def start(self, heading: float) -> np.ndarray:
        """Parameters of a person of average pose with this heading (radians about Y), as large as the marks
        and in their place in the picture."""
        known = self.known
        parameters = np.concatenate([[0, heading, 0], np.zeros(3), self.prior.mean])
        parameters[_PLACE] = [0, 0, -10]
        fx, fy, cx, cy = self.intrinsics
        shape = self._landmarks(parameters[None])[0][known.marked]
        tall = np.ptp(shape[:, :2], axis=0).max()
        distance = fy * tall / (2 * known.extent / self.size[1])
        middle = from_pixels(known.places[known.marked].mean(0), self.size)
        centre = shape.mean(0) - parameters[_PLACE]
        parameters[_PLACE] = [
            distance * (middle[0] - cx) / fx - centre[0],
            distance * (middle[1] - cy) / fy - centre[1],
            -distance,
        ]
        return parameters

    def rotations(self, parameters: np.ndarray, sighting: Sighting | None) -> np.ndarray:
        """``(55, 3)`` axis-angle of all joints, the fingers as they were seen."""
        found = np.zeros((55, 3))
        found[:BODY_JOINTS] = np.concatenate([parameters[_ROOT], parameters[_BODY]]).reshape(-1, 3)
        if sighting is not None:
            turned = self._posed(parameters[None])[0][0]
            for side, (hand, wrist) in enumerate(zip(sighting.hands, _WRISTS, strict=True)):
                if hand is not None:
                    first = 25 + 15 * side
                    found[first : first + 15] = finger_rotations(hand, side, turned[wrist], self.rest)
        return found

    def descend(self, parameters: np.ndarray, rounds: int) -> tuple[np.ndarray, float]:
        """Parameters of a smaller cost, and the cost."""
        damping, residual = 1e-2, self.residuals(parameters[None])[0]
        cost = residual @ residual
        steps = _DIFFERENCE * np.eye(len(parameters))
        for _ in range(rounds):
            slope = (self.residuals(parameters + steps) - residual).T / _DIFFERENCE
            normal, gradient = slope.T @ slope, slope.T @ residual
            while damping < 1e8:
                step = np.linalg.solve(normal + damping * np.diag(normal.diagonal() + 1e-9), gradient)
                trial = parameters - step
                trial_residual = self.residuals(trial[None])[0]
                trial_cost = trial_residual @ trial_residual
                if trial_cost < cost:
                    break
                damping *= 5
            else:
                break
            done = cost - trial_cost < 1e-6 * cost
            parameters, residual, cost = trial, trial_residual, trial_cost
            damping = max(damping / 5, 1e-7)
            if done:
                break
        return parameters, float(cost)

    def residuals(self, parameters: np.ndarray) -> np.ndarray:
        """The residuals ``(B, R)``, without unit: places, pose, then bones' directions or lean, each divided
        by what is expected of it."""
        known = self.known
        turned, placed = self._posed(parameters)
        points = self._carried(turned, placed)
        off = (self._in_picture(points) - known.places) * known.weights[:, None]
        unlikely = np.sqrt(_PRIOR) * (parameters[:, _BODY] - self.prior.mean) @ self.prior.whitening.T
        parts = [off.reshape(len(off), -1), unlikely]
        if known.in_space:
            bones = BONES @ points
            bones /= np.linalg.norm(bones, axis=-1, keepdims=True)
            turns = (bones - known.directions) * known.direction_weights[:, None]
            parts.append(turns.reshape(len(off), -1))
        else:
            parts.append(turned[:, 0, [0, 2], 1] / _LEAN)
        return np.concatenate(parts, 1)

    def pixels(self, parameters: np.ndarray) -> np.ndarray:
        """Landmarks in the picture, ``(B, P, 2)``."""
        return self._in_picture(self._landmarks(parameters))

    def _in_picture(self, points: np.ndarray) -> np.ndarray:
        fx, fy, cx, cy = self.intrinsics
        # A trial step may put the body behind the camera. It then counts as 0.1 m in front of it, where its
        # error is so large that the step is refused.
        depth = np.maximum(-points[..., 2], 0.1)
        ndc = np.stack([fx * points[..., 0] / depth + cx, fy * points[..., 1] / depth + cy], -1)
        return to_pixels(ndc, self.size)

    def _landmarks(self, parameters: np.ndarray) -> np.ndarray:
        return self._carried(*self._posed(parameters))

    def _carried(self, turned: np.ndarray, placed: np.ndarray) -> np.ndarray:
        return placed[:, self.carriers] + (turned[:, self.carriers] @ self.offsets[..., None])[..., 0]

    def _posed(self, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rotations ``(B, 22, 3, 3)`` and places ``(B, 22, 3)`` of the body's joints in the view."""
        local = matrices(
            np.concatenate([parameters[:, _ROOT], parameters[:, _BODY]], 1).reshape(-1, BODY_JOINTS, 3)
        )
        turned, placed = np.empty_like(local), np.empty((len(local), BODY_JOINTS, 3))
        turned[:, 0], placed[:, 0] = local[:, 0], parameters[:, _PLACE]
        for joint in range(1, BODY_JOINTS):
            parent = SMPLX_PARENTS[joint]
            turned[:, joint] = turned[:, parent] @ local[:, joint]
            placed[:, joint] = placed[:, parent] + turned[:, parent] @ (self.rest[joint] - self.rest[parent])
        return turned, placed
