"""The rotations between a captured skeleton's rest pose and SMPL-X's, and between its axes and ours.

A file gives a joint's orientation relative to the file's own rest pose. Where that pose is a standing person,
it is compared with SMPL-X's bone by bone. In many files it is not (all bones along one axis, a skeleton laid
flat): then only the movement tells how a bone is held, and frames in which the person stands upright are
compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from isa_engine.body.model.rotation import aligning, nearest_rotation
from isa_engine.body.model.skeleton import SMPLX_JOINTS, SMPLX_PARENTS
from isa_engine.body.motions.capture import Capture
from isa_engine.errors import BodyError

_INDEX = {name: j for j, name in enumerate(SMPLX_JOINTS)}
_FINGERS = ("index", "middle", "pinky", "ring", "thumb")
# Bones whose direction tells one rest pose from another: arms down or out, legs apart, fingers spread.
_LIMBS = (
    *(("hip", "knee"), ("knee", "ankle")),
    *(("shoulder", "elbow"), ("elbow", "wrist"), ("wrist", "middle1")),
    *((f"{finger}{k}", f"{finger}{k + 1}") for finger in _FINGERS for k in (1, 2)),
)
# Bones whose direction depends as much on where somebody placed the joints in foot and spine as on the pose.
_PLACED = {"spine1": "spine3", "spine3": "neck", "neck": "head"} | {
    f"{side}_ankle": f"{side}_foot" for side in ("left", "right")
}
# Two skeletons in the same pose may place these bones so many degrees apart; beyond that the poses differ.
_PLACING = 35.0
_BONES = {f"{side}_{joint}": f"{side}_{end}" for side in ("left", "right") for joint, end in _LIMBS}
# Joints that keep the direction of the bone above them, if they have no bone of their own to compare.
_FOLLOWERS = ("wrist", *_FINGERS)
# Frames that tell how a bone is held, where the rest pose does not: those nearest to standing upright.
_STANDING_FRAMES = 30
# A frame's distance from standing is the sum of 1 − cos over torso, legs, and the twist between hips and
# shoulders. Below the first number, less than a deep bow or a squat, the person stands; frames that are worse
# than the best by no more than the second stand as well.
_STANDING, _AS_WELL = 0.8, 0.05


@dataclass(frozen=True)
class Comparison:
    """How to read a capture.

    Attributes:
        world: ``(3, 3)`` from the axes of the file's world to X left, Y up, Z forward; as ``bones``, a mirror
            image where these axes are left-handed.
        bones: ``(3, 3)`` from the axes of the file's skeleton at rest to the same.
        alignment: ``(55, 3, 3)``: a captured joint's global orientation in our axes, times this, is that of
            SMPL-X's joint in the same pose.
    """

    world: np.ndarray
    bones: np.ndarray
    alignment: np.ndarray


def compare(
    capture: Capture,
    turned: np.ndarray,
    placed: np.ndarray,
    source: Mapping[str, int],
    joints: np.ndarray,
) -> Comparison:
    """Compare a captured skeleton with SMPL-X's.

    Args:
        turned, placed: orientations and places, by ``Capture.forward_kinematics``.
        source: SMPL-X joint name → index of the captured joint.
        joints: ``(55, 3)`` of the body at rest.

    Raises:
        BodyError: the skeleton has no size, or neither its rest pose nor a frame shows a standing person.
    """
    rest = capture.at_rest()
    if not _leg_length(rest, source) > 0:
        problem = "at rest, hips and head do not lie apart as a person's do"
        raise BodyError(problem, where=capture.where, remedy="Export the take with its skeleton's offsets.")
    if _stands(rest, source):
        bones = _standing_axes(rest, source)
        world = _world_of_standing(bones, placed, source, _leg_length(rest, source))
        return Comparison(world, bones, _from_rest(rest @ bones.T, source, joints))
    world = _world_of_movement(placed, source)
    bones = np.eye(3)
    alignment = _from_movement(world @ turned, placed @ world.T, source, joints, capture.where)
    return Comparison(world, bones, alignment)


def _leg_length(rest: np.ndarray, source: Mapping[str, int]) -> float:
    return float(sum(np.linalg.norm(_bone(rest, source, f"left_{a}", f"left_{b}")) for a, b in _LIMBS[:2]))


def _stands(rest: np.ndarray, source: Mapping[str, int]) -> bool:
    """Whether legs point away from the head, and hips lie across."""
    up, across = _units(_torso(rest, source)), _units(_bone(rest, source, "right_hip", "left_hip"))
    legs = [_units(_bone(rest, source, f"{side}_hip", f"{side}_ankle")) for side in ("left", "right")]
    return bool(abs(up @ across) < 0.5 and all(leg @ up < -0.7 for leg in legs))


def _standing_axes(rest: np.ndarray, source: Mapping[str, int]) -> np.ndarray:
    """From the skeleton's axes to X left, Y up, Z forward, read off the skeleton that stands at rest; where
    its feet point backwards by that, the axes of the file are left-handed, and this is a mirror image."""
    left = _nearest_axis(_bone(rest, source, "right_hip", "left_hip"))
    up = _nearest_axis(_torso(rest, source))
    forward = np.cross(left, up)
    feet = [_bone(rest, source, *ends) for ends in _PLACED.items() if "foot" in ends[1] and ends[1] in source]
    mirrored = any(foot @ forward < -0.7 * np.linalg.norm(foot) for foot in feet)
    return np.stack([left, up, -forward if mirrored else forward])


def _world_of_standing(
    bones: np.ndarray, placed: np.ndarray, source: Mapping[str, int], leg: float
) -> np.ndarray:
    """The world's axes. They are the skeleton's, unless the person plainly stands along another axis: hips a
    leg's length above its zero, feet at its zero. A person who lies all the time does not look so."""
    torso = _units(_torso(placed, source)).mean(0)
    axis = _nearest_axis(torso)
    if torso @ bones[1] >= 0.5 or torso @ axis < 0.7:
        return bones
    hips = placed[:, [source["left_hip"], source["right_hip"]]].mean(1) @ axis
    feet = placed[:, [source["left_ankle"], source["right_ankle"]]].min(1) @ axis
    if 0.6 < np.median(hips) / leg < 1.5 and abs(np.quantile(feet, 0.05)) < 0.3 * leg:
        # Left-handed where the skeleton's axes are.
        return _axes_above(axis, placed, source) * np.array([[1.0], [1.0], [np.linalg.det(bones)]])
    return bones


def _world_of_movement(placed: np.ndarray, source: Mapping[str, int]) -> np.ndarray:
    """The world's axes where the skeleton does not stand at rest: up is where heads are, else Y as usual."""
    torso = _units(_torso(placed, source)).mean(0)
    axis = _nearest_axis(torso)
    return _axes_above(axis if torso @ axis > 0.7 else np.array([0.0, 1.0, 0.0]), placed, source)


def _axes_above(up: np.ndarray, placed: np.ndarray, source: Mapping[str, int]) -> np.ndarray:
    across = _bone(placed[0], source, "right_hip", "left_hip")
    across = across - (across @ up) * up
    # With one hip right above the other, any direction at right angles to up serves as left.
    left = _nearest_axis(across if np.linalg.norm(across) > 1e-9 else np.roll(up, 1))
    return np.stack([left, up, np.cross(left, up)])


def _from_rest(rest: np.ndarray, source: Mapping[str, int], joints: np.ndarray) -> np.ndarray:
    """Alignments by the smallest rotation between a bone's directions in the two rest poses."""
    alignment = np.tile(np.eye(3), (55, 1, 1))
    for j, name in enumerate(SMPLX_JOINTS):
        end = _BONES.get(name) or _PLACED.get(name)
        bone = _bone(rest, source, name, end) if name in source and end in source else np.zeros(3)
        if np.linalg.norm(bone) > 0:
            direction = joints[_INDEX[end]] - joints[j]
            if name in _BONES or _degrees_between(direction, bone) > _PLACING:
                alignment[j] = aligning(direction, bone)
        elif name.partition("_")[2].startswith(_FOLLOWERS):
            alignment[j] = alignment[SMPLX_PARENTS[j]]
    return alignment


def _from_movement(
    turned: np.ndarray, placed: np.ndarray, source: Mapping[str, int], joints: np.ndarray, where: str
) -> np.ndarray:
    """Alignments by the frames in which the person stands, averaged over them: SMPL-X's bones are turned
    along the captured ones without any twist, as in a person who stands at ease."""
    frames = _standing_frames(placed, source, where)
    turned, placed = turned[frames], placed[frames]
    held = _led_along(placed, source, joints)
    alignment = np.tile(np.eye(3), (55, 1, 1))
    for name, k in source.items():
        j = _INDEX[name]
        alignment[j] = nearest_rotation((np.swapaxes(turned[:, k], 1, 2) @ held[:, j]).mean(0))
    return alignment


def _standing_frames(placed: np.ndarray, source: Mapping[str, int], where: str) -> np.ndarray:
    up = np.array([0.0, 1.0, 0.0])
    bent = 1 - _units(_torso(placed, source)) @ up
    for side in ("left", "right"):
        for start, end in _LIMBS[:2]:
            bent += 0.5 * (1 + _units(_bone(placed, source, f"{side}_{start}", f"{side}_{end}")) @ up)
    hips = _units(_bone(placed, source, "right_hip", "left_hip"))
    shoulders = _units(_bone(placed, source, "right_shoulder", "left_shoulder"))
    bent += 1 - (hips * shoulders).sum(-1)
    frames = np.argsort(bent, kind="stable")[:_STANDING_FRAMES]
    if bent[frames[0]] > _STANDING:
        problem = "the skeleton does not stand at rest, and on no frame does the person"
        remedy = "Export it with a skeleton in T-pose, or with a frame on which the person stands upright."
        raise BodyError(problem, where=where, remedy=remedy)
    return frames[bent[frames] <= bent[frames[0]] + _AS_WELL]


def _led_along(placed: np.ndarray, source: Mapping[str, int], joints: np.ndarray) -> np.ndarray:
    """Global orientations ``(F, 55, 3, 3)`` of SMPL-X's joints that follow captured places ``(F, J, 3)``."""
    held = np.empty((len(placed), 55, 3, 3))
    for j, name in enumerate(SMPLX_JOINTS):
        if name in ("pelvis", "spine1", "spine2", "spine3"):
            part = "hip" if name in ("pelvis", "spine1") else "shoulder"
            theirs, ours = (
                _frame(_torso(places, names), _bone(places, names, f"right_{part}", f"left_{part}"))
                for places, names in ((placed, source), (joints, _INDEX))
            )
            held[:, j] = theirs @ ours.T
            continue
        held[:, j] = held[:, SMPLX_PARENTS[j]]
        end = _BONES.get(name) or _PLACED.get(name)
        if name.endswith("_collar"):
            end = name.replace("collar", "shoulder")
        if name not in source or end not in source:
            continue
        bones = _bone(placed, source, name, end)
        direction = joints[_INDEX[end]] - joints[j]
        for f, bone in enumerate(bones):
            if np.linalg.norm(bone) > 0:
                held[f, j] = aligning(held[f, j] @ direction, bone) @ held[f, j]
    return held


def _torso(places: np.ndarray, source: Mapping[str, int]) -> np.ndarray:
    """``(..., 3)`` from the middle of the hips to the head."""
    hips = (places[..., source["left_hip"], :] + places[..., source["right_hip"], :]) / 2
    return places[..., source["head"], :] - hips


def _bone(places: np.ndarray, source: Mapping[str, int], start: str, end: str) -> np.ndarray:
    return places[..., source[end], :] - places[..., source[start], :]


def _frame(up: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Rotations ``(..., 3, 3)`` whose columns are left, up and forward; up is kept."""
    up = _units(up)
    left = _units(across - (across * up).sum(-1, keepdims=True) * up)
    return np.stack([left, up, np.cross(left, up)], -1)


def _units(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def _nearest_axis(direction: np.ndarray) -> np.ndarray:
    axis = np.argmax(np.abs(direction))
    return np.eye(3)[axis] * np.sign(direction[axis])


def _degrees_between(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(_units(first) @ _units(second), -1, 1))))
