"""From a captured skeleton to SMPL-X's: orientations carry over, and the legs set the scale.

A captured take has its own joints, bone lengths, rest pose and axes. Each SMPL-X joint takes the global
orientation of its counterpart, less what the two rest poses differ by; the hips' path is scaled by the
length of the legs, so that steps fit the ground.
"""

from dataclasses import dataclass

import numpy as np

from isa_engine.body.body_model import BodyModel
from isa_engine.body.joint_names import counterparts
from isa_engine.body.motion import Motion
from isa_engine.body.rotation import aligning, axis_angles, matrices
from isa_engine.body.skeleton import SMPLX_JOINTS, SMPLX_PARENTS
from isa_engine.errors import BodyError

_INDEX = {name: j for j, name in enumerate(SMPLX_JOINTS)}
# Bones that point somewhere else in another rest pose (arms down, legs apart, fingers spread). Feet and
# spine are left out: they rest flat and upright in all of them, wherever their joints were placed.
_FINGERS = ("index", "middle", "pinky", "ring", "thumb")
_ENDS = (
    *(("hip", "knee"), ("knee", "ankle")),
    *(("shoulder", "elbow"), ("elbow", "wrist"), ("wrist", "middle1")),
    *((f"{finger}{k}", f"{finger}{k + 1}") for finger in _FINGERS for k in (1, 2)),
)
_BONES = {f"{side}_{joint}": f"{side}_{end}" for side in ("left", "right") for joint, end in _ENDS}
# Joints that hang in line with the bone above them where they have no bone of their own to compare.
_FOLLOWERS = ("wrist", *_FINGERS)

# Frames looked at to find the ground, and the share of them in which somebody may be below it.
_GROUND_FRAMES = 60
_BELOW_GROUND = 0.35


@dataclass(frozen=True)
class Take:
    """A captured take as its file has it. F frames, J joints, parents before children.

    Attributes:
        joints: names.
        parents: ``(J,)``, −1 for the root.
        offsets: ``(J, 3)`` from the parent at rest, in the file's axes and units; zero for the root.
        rotations: ``(F, J, 3, 3)`` relative to the parent, identity at rest; axes as at rest.
        translation: ``(F, 3)`` of the root, in the file's units.
    """

    name: str
    where: str
    fps: float
    joints: tuple[str, ...]
    parents: np.ndarray
    offsets: np.ndarray
    rotations: np.ndarray
    translation: np.ndarray


def retarget(take: Take, body: BodyModel) -> Motion:
    """Give the take to a body; it starts over the origin and stands on the ground, y = 0.

    Fingers that were not captured are relaxed (``BodyModel.hands_mean``).

    Raises:
        BodyError: joints that are needed have no known name in the file, or the skeleton has no size.
    """
    source = counterparts(take.joints, take.where)
    rest = _rest(take)
    upright = _axes(rest, source)
    if not np.isclose(np.linalg.det(upright), 1):
        problem = "at rest, hips and head do not lie apart as a person's do"
        raise BodyError(problem, where=take.where, remedy="Export the take with its skeleton's offsets.")
    turned, placed = _forward_kinematics(take)
    turned, placed, rest = upright @ turned @ upright.T, placed @ upright.T, rest @ upright.T

    joints = body.joints()
    oriented = np.empty((len(turned), 55, 3, 3))
    local = np.tile(np.eye(3), (len(turned), 55, 1, 1))
    alignment = np.tile(np.eye(3), (55, 1, 1))
    for j, name in enumerate(SMPLX_JOINTS):
        parent = SMPLX_PARENTS[j]
        end = _BONES.get(name)
        if end in source and name in source:
            bone = rest[source[end]] - rest[source[name]]
            alignment[j] = aligning(joints[_INDEX[end]] - joints[j], bone)
        elif name.partition("_")[2].startswith(_FOLLOWERS):
            alignment[j] = alignment[parent]
        above = oriented[:, parent] if parent >= 0 else np.eye(3)
        if name in source:
            local[:, j] = np.swapaxes(above, -1, -2) @ turned[:, source[name]] @ alignment[j]
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
        name=take.name,
        fps=take.fps,
        rotations=rotations.astype(np.float32),
        translation=translation.astype(np.float32),
        betas=np.zeros(0, np.float32),
    )


def _rest(take: Take) -> np.ndarray:
    """Places ``(J, 3)`` of the joints at rest, from the root."""
    rest = np.zeros_like(take.offsets)
    for j, parent in enumerate(take.parents):
        rest[j] = take.offsets[j] + (rest[parent] if parent >= 0 else 0)
    return rest


def _axes(rest: np.ndarray, source: dict[str, int]) -> np.ndarray:
    """The rotation from the file's axes to X left, Y up, Z forward, read off the skeleton at rest."""
    hips = rest[source["left_hip"]], rest[source["right_hip"]]
    left = _nearest_axis(hips[0] - hips[1])
    up = _nearest_axis(rest[source["head"]] - (hips[0] + hips[1]) / 2)
    return np.stack([left, up, np.cross(left, up)])


def _nearest_axis(direction: np.ndarray) -> np.ndarray:
    axis = np.argmax(np.abs(direction))
    return np.eye(3)[axis] * np.sign(direction[axis])


def _forward_kinematics(take: Take) -> tuple[np.ndarray, np.ndarray]:
    """Global orientations ``(F, J, 3, 3)`` and places ``(F, J, 3)``."""
    turned = take.rotations.copy()
    placed = np.repeat(take.translation[:, None], len(take.joints), 1)
    for j, parent in enumerate(take.parents):
        if parent >= 0:
            turned[:, j] = turned[:, parent] @ take.rotations[:, j]
            placed[:, j] = placed[:, parent] + turned[:, parent] @ take.offsets[j]
    return turned, placed


def _leg_length(places: np.ndarray, hips, knees, ankles) -> float:
    """Mean of both legs."""
    thighs, shanks = places[hips] - places[knees], places[knees] - places[ankles]
    return float((np.linalg.norm(thighs, axis=1) + np.linalg.norm(shanks, axis=1)).mean())


def _share_twist(local: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """Let the elbow take half of the wrist's turn about the forearm, as skin does; the hand stays put."""
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
    """Height of the ground under the take: that of the body's lowest point where it is supported."""
    frames = np.unique(np.linspace(0, len(rotations) - 1, _GROUND_FRAMES).round().astype(int))
    vertices, _ = body.pose(rotations=rotations[frames], translation=translation[frames])
    return float(np.quantile(vertices[..., 1].min(1), _BELOW_GROUND))
