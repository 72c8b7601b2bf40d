"""From a captured skeleton to SMPL-X's: orientations carry over, and the legs set the scale.

Each SMPL-X joint takes the global orientation of its counterpart, less the difference between the two rest
poses (``rest_pose``). The hips' path is scaled by the length of the legs, so that feet do not slide.
"""

import numpy as np

from isa_engine.body.model.body_model import BodyModel
from isa_engine.body.model.rotation import axis_angles, matrices
from isa_engine.body.model.skeleton import SMPLX_JOINTS, SMPLX_PARENTS
from isa_engine.body.motions.capture import Capture
from isa_engine.body.motions.joint_names import counterparts
from isa_engine.body.motions.motion import Motion
from isa_engine.body.motions.rest_pose import compare

_INDEX = {name: j for j, name in enumerate(SMPLX_JOINTS)}
# Frames looked at to find the ground, and the share of them on which the body's lowest point may be below it.
_GROUND_FRAMES = 60
_BELOW_GROUND = 0.35


def retarget(capture: Capture, body: BodyModel) -> Motion:
    """The capture as a motion of a body, which begins above the origin and stands on the ground, y = 0.

    Fingers that were not captured are relaxed (``BodyModel.hands_mean``).

    Raises:
        BodyError: joints that are needed have no known name in the file, the skeleton has no size, or neither
            its rest pose nor a frame shows a standing person.
    """
    source = counterparts(capture.joints, capture.where)
    turned, placed = capture.forward_kinematics()
    read = compare(capture, turned, placed, source, body.joints())
    turned, placed = read.world @ turned @ read.bones.T, placed @ read.world.T
    rest = capture.at_rest() @ read.bones.T

    joints = body.joints()
    oriented = np.empty((len(turned), 55, 3, 3))
    local = np.tile(np.eye(3), (len(turned), 55, 1, 1))
    for j, name in enumerate(SMPLX_JOINTS):
        parent = SMPLX_PARENTS[j]
        above = oriented[:, parent] if parent >= 0 else np.eye(3)
        if name in source:
            local[:, j] = np.swapaxes(above, -1, -2) @ turned[:, source[name]] @ read.alignment[j]
        elif j >= 25:
            local[:, j] = matrices(body.hands_mean[j - 25])
        oriented[:, j] = above @ local[:, j]
    rotations = axis_angles(_share_twist(local, joints))

    hips, knees, ankles = (
        [_INDEX[f"{side}_{joint}"] for side in ("left", "right")] for joint in ("hip", "knee", "ankle")
    )
    legs = [[source[SMPLX_JOINTS[j]] for j in pair] for pair in (hips, knees, ankles)]
    scale = _leg_length(joints, hips, knees, ankles) / _leg_length(rest, *legs)
    middle = joints[hips].mean(0)
    path = scale * placed[:, legs[0]].mean(1)
    translation = path - oriented[:, 0] @ (middle - joints[0]) - joints[0]
    translation -= (joints[0] + translation[0]) * [1, 0, 1]
    translation[:, 1] -= _ground(body, rotations, translation)
    return Motion(
        name=capture.name,
        fps=capture.fps,
        rotations=rotations.astype(np.float32),
        translation=translation.astype(np.float32),
        betas=np.zeros(0, np.float32),
    )


def _leg_length(places: np.ndarray, hips, knees, ankles) -> float:
    """The length of both legs' thighs and shanks, averaged over the legs."""
    thighs, shanks = places[hips] - places[knees], places[knees] - places[ankles]
    return float((np.linalg.norm(thighs, axis=1) + np.linalg.norm(shanks, axis=1)).mean())


def _share_twist(local: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """Let the elbow take half of the wrist's twist about the forearm, as it is in people, or skin would wring
    at the wrist; the hand's orientation does not change."""
    local = local.copy()
    for side in ("left", "right"):
        elbow, wrist = _INDEX[f"{side}_elbow"], _INDEX[f"{side}_wrist"]
        forearm = joints[wrist] - joints[elbow]
        forearm = forearm / np.linalg.norm(forearm)
        # The rotation about the forearm that is nearest to the wrist's.
        hand = local[:, wrist]
        skew = hand[:, [2, 0, 1], [1, 2, 0]] - hand[:, [1, 2, 0], [2, 0, 1]]
        trace = np.trace(hand, axis1=1, axis2=2)
        along = np.einsum("a,fab,b->f", forearm, hand, forearm)
        twist = np.arctan2(skew @ forearm, trace - along)
        half = matrices(twist[:, None] / 2 * forearm)
        local[:, elbow] = local[:, elbow] @ half
        local[:, wrist] = np.swapaxes(half, -1, -2) @ hand
    return local


def _ground(body: BodyModel, rotations: np.ndarray, translation: np.ndarray) -> float:
    """Height of the ground under a motion, metres: a low quantile over frames of the body's lowest point, so
    that frames in mid-air do not count."""
    frames = np.unique(np.linspace(0, len(rotations) - 1, _GROUND_FRAMES).round().astype(int))
    vertices, _ = body.pose(rotations=rotations[frames], translation=translation[frames])
    return float(np.quantile(vertices[..., 1].min(1), _BELOW_GROUND))
