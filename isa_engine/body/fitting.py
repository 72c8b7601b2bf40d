"""The pose of a body whose keypoints were marked on a picture: least squares under a pose prior.

Minimises, by Levenberg and Marquardt's method from several headings, the keypoints' distances in the
picture together with how unlikely the pose is (``pose_prior``) and how far the body leans. What a picture
cannot tell, depth above all, the prior decides.
"""

from dataclasses import dataclass

import numpy as np

from isa_engine.body.keypoints import BODY_JOINTS, HEAD, KEYPOINTS, keypoints
from isa_engine.body.pose_prior import pose_prior
from isa_engine.body.rotation import matrices
from isa_engine.body.skeleton import SMPLX_PARENTS
from isa_engine.errors import BodyError
from isa_engine.geometry.ndc import to_pixels

# Shares of the figure's size in the picture: how exactly keypoints are marked; the error of a failed fit.
_EXACT, _FAILED = 0.006, 0.05
_LEAST = 8
_LEAN = 0.35
_PRIOR = 1.0
_HEADINGS = 8
_FIRST_ROUNDS, _LAST_ROUNDS, _FINALISTS = 12, 60, 3
_DIFFERENCE = 1e-5
# Where these are among the parameters: the root's rotation and place, then the other joints' rotations.
_ROOT, _PLACE, _BODY = slice(0, 3), slice(3, 6), slice(6, None)


@dataclass(frozen=True)
class Fit:
    """A body in front of a camera that stands at the origin, looks along −Z and has Y up.

    Attributes:
        rotations: ``(55, 3)`` axis-angle of each joint relative to its parent; face and hands at rest.
        translation: ``(3,)`` metres: the pelvis is at its rest place plus this.
        keypoints: ``(17, 2)`` pixels, y down, where the fitted body has them.
        error: root of the mean squared distance to those that were marked, pixels.
    """

    rotations: np.ndarray
    translation: np.ndarray
    keypoints: np.ndarray
    error: float


def fit_pose(rest: np.ndarray, marked: np.ndarray, size: tuple[int, int], intrinsics: np.ndarray) -> Fit:
    """Fit a body to marked keypoints.

    Args:
        rest: ``(55, 3)`` joints at rest, metres, Y up, facing +Z.
        marked: ``(17, 2)`` pixels, y down from the picture's top left corner; NaN where unmarked.
        size: of the picture in pixels, width and height.
        intrinsics: ``(4,)``, ``geometry.camera``.

    Raises:
        BodyError: too few keypoints are marked, they lie in one place, or no pose fits them.
    """
    problem = _Problem(np.asarray(rest, np.float64), np.asarray(marked, np.float64), size, intrinsics)
    first = [problem.descend(problem.start(heading), _FIRST_ROUNDS) for heading in _headings()]
    best = sorted(first, key=lambda found: found[1])[:_FINALISTS]
    parameters, _ = min(
        (problem.descend(found, _LAST_ROUNDS) for found, _ in best), key=lambda found: found[1]
    )
    places = problem.pixels(parameters[None])[0]
    known = ~np.isnan(problem.marked).any(1)
    error = float(np.sqrt((np.linalg.norm((places - problem.marked)[known], axis=1) ** 2).mean()))
    if error > _FAILED * problem.extent:
        worst = KEYPOINTS[int(np.nanargmax(np.linalg.norm(places - problem.marked, axis=1)))].replace(
            "_", " "
        )
        remedy = "Check that left and right are the character's own, or pose the ghost by hand."
        raise BodyError(
            f"no pose fits the marks: {error:.0f} pixels are left, most at the {worst}", remedy=remedy
        )
    rotations = np.zeros((55, 3))
    rotations[:BODY_JOINTS] = np.concatenate([parameters[_ROOT], parameters[_BODY]]).reshape(-1, 3)
    return Fit(rotations, parameters[_PLACE] - problem.rest[0], places, error)


def _headings() -> np.ndarray:
    return np.arange(_HEADINGS) * 2 * np.pi / _HEADINGS


class _Problem:
    """Parameters ``(69,)``: the root's rotation, its place, the rotations of joints 1 to 21."""

    def __init__(self, rest, marked, size, intrinsics):
        self.rest, self.marked = rest, marked
        self.size, self.intrinsics = np.array(size, float), np.array(intrinsics, float)
        self.known = ~np.isnan(marked).any(1)
        if self.known.sum() < _LEAST:
            problem = f"{self.known.sum()} of the 17 joints are marked"
            raise BodyError(problem, remedy=f"Mark at least {_LEAST}; shoulders and hips help most.")
        self.extent = float(np.ptp(marked[self.known], axis=0).max())
        if self.extent < 8:
            raise BodyError("the marks lie in one place", remedy="Put each on its joint.")
        self.exact = max(_EXACT * self.extent, 1.0)
        self.prior = pose_prior()

    def start(self, heading: float) -> np.ndarray:
        """A person of average pose who faces this way, as large and in the place that the marks tell."""
        parameters = np.concatenate([[0, heading, 0], np.zeros(3), self.prior.mean])
        parameters[_PLACE] = [0, 0, -10]
        fx, fy, cx, cy = self.intrinsics
        shape = self._keypoints(parameters[None])[0][self.known]
        tall = np.ptp(shape[:, :2], axis=0).max()
        distance = fy * tall / (2 * self.extent / self.size[1])
        middle = (self.marked[self.known].mean(0) / self.size * 2 - 1) * [1, -1]
        centre = shape.mean(0) - parameters[_PLACE]
        parameters[_PLACE] = [
            distance * (middle[0] - cx) / fx - centre[0],
            distance * (middle[1] - cy) / fy - centre[1],
            -distance,
        ]
        return parameters

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
        """What is to become small, ``(B, R)``: pixels, pose and lean, each by its own measure."""
        off = (self.pixels(parameters) - self.marked)[:, self.known] / self.exact
        unlikely = np.sqrt(_PRIOR) * (parameters[:, _BODY] - self.prior.mean) @ self.prior.whitening.T
        up = matrices(parameters[:, _ROOT])[:, :, 1]
        return np.concatenate([off.reshape(len(off), -1), unlikely, up[:, [0, 2]] / _LEAN], 1)

    def pixels(self, parameters: np.ndarray) -> np.ndarray:
        """Keypoints in the picture, ``(B, 17, 2)``."""
        points = self._keypoints(parameters)
        fx, fy, cx, cy = self.intrinsics
        # A trial step may put the body behind the camera. At 0.1 m, so near, it costs enough to be refused.
        depth = np.maximum(-points[..., 2], 0.1)
        ndc = np.stack([fx * points[..., 0] / depth + cx, fy * points[..., 1] / depth + cy], -1)
        return to_pixels(ndc, self.size)

    def _keypoints(self, parameters: np.ndarray) -> np.ndarray:
        local = matrices(
            np.concatenate([parameters[:, _ROOT], parameters[:, _BODY]], 1).reshape(-1, BODY_JOINTS, 3)
        )
        turned, placed = np.empty_like(local), np.empty((len(local), BODY_JOINTS, 3))
        turned[:, 0], placed[:, 0] = local[:, 0], parameters[:, _PLACE]
        for joint in range(1, BODY_JOINTS):
            parent = SMPLX_PARENTS[joint]
            turned[:, joint] = turned[:, parent] @ local[:, joint]
            placed[:, joint] = placed[:, parent] + turned[:, parent] @ (self.rest[joint] - self.rest[parent])
        return keypoints(placed, turned[:, HEAD], self.rest)
