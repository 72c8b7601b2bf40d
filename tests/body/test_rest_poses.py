"""Captured skeletons of any rest pose and in any world, and files that are not quite as they should be."""

import re

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from isa_engine.body import SMPLX_JOINTS, Motion, load_motion, open_body
from isa_engine.errors import BodyError
from tests.body.captures import Capture, any_rest, rewritten, write_bvh

_RANDOM = Capture.at_random(40)
# Somebody who stirs where he stands, and walks away.
STANDING = Capture(0.3 * _RANDOM.angles, _RANDOM.path + np.linspace(0, 60, 40)[:, None] * [1, 0, 0])
LIMBS = [
    (f"{side}_{start}", f"{side}_{end}")
    for side in ("left", "right")
    for start, end in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
]
TORSO = ("pelvis", "head")


def places(motion: Motion) -> np.ndarray:
    """Of the joints, ``(F, 55, 3)``."""
    body = open_body()
    return body.pose(rotations=motion.rotations, translation=motion.translation, vertices=slice(0, 1))[1]


def directions(motion: Motion, start: str, end: str) -> np.ndarray:
    joints = places(motion)
    bones = joints[:, SMPLX_JOINTS.index(end)] - joints[:, SMPLX_JOINTS.index(start)]
    return bones / np.linalg.norm(bones, axis=1, keepdims=True)


def degrees(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.degrees(np.arccos(np.clip((first * second).sum(-1), -1, 1)))


def headed_alike(motion: Motion, other: Motion) -> Rotation:
    """The turn about the vertical that leads one motion's hips to another's on the first frame."""
    a, b = (directions(m, "right_hip", "left_hip")[0] for m in (motion, other))
    return Rotation.from_euler("y", np.arctan2(b[0], b[2]) - np.arctan2(a[0], a[2]))


@pytest.mark.parametrize("seed", range(4))
def test_a_skeleton_of_any_rest_pose_moves_as_one_that_stands_at_rest(tmp_path, seed):
    wanted = load_motion(write_bvh(STANDING, tmp_path / "standing.bvh"))
    motion = load_motion(write_bvh(STANDING, tmp_path / "any.bvh", rest=any_rest(seed)))
    turn = headed_alike(motion, wanted)
    # Where somebody put the joints of hips and head, two skeletons differ by some degrees.
    for bone, bound in [*((limb, 6) for limb in LIMBS), (TORSO, 12)]:
        off = degrees(turn.apply(directions(motion, *bone)), directions(wanted, *bone))
        assert off.max() < bound, bone
    steps, wanted_steps = (np.linalg.norm(np.diff(m.translation, axis=0), axis=1) for m in (motion, wanted))
    np.testing.assert_allclose(steps, wanted_steps, atol=0.02)


def test_the_world_of_a_skeleton_of_any_rest_pose_is_told_by_its_movement(tmp_path):
    z_up = Rotation.from_euler("x", 90, degrees=True).as_matrix()
    motion = load_motion(write_bvh(STANDING, tmp_path / "z.bvh", axes=z_up, rest=any_rest(0)))
    wanted = load_motion(write_bvh(STANDING, tmp_path / "y.bvh", rest=any_rest(0)))
    np.testing.assert_allclose(directions(motion, *TORSO)[:, 1], directions(wanted, *TORSO)[:, 1], atol=1e-3)


def test_somebody_who_never_stands_by_a_skeleton_that_does_not_stand_is_refused(tmp_path):
    # Folded up: knees at the chest, on every frame.
    angles = np.zeros((3, *STANDING.angles.shape[1:]))
    angles[:, [2, 7], 0] = -150
    with pytest.raises(BodyError, match="on no frame does the person"):
        load_motion(write_bvh(Capture(angles, np.zeros((3, 3))), tmp_path / "a.bvh", rest=any_rest(1)))


def test_a_skeleton_that_stands_in_z_moves_upright_in_a_world_with_y_up(tmp_path):
    """As programs write that turn the root and leave the rest pose as it was."""
    lying = Rotation.from_euler("x", 90, degrees=True).as_matrix()
    path = STANDING.path * [1, 0.1, 1] + [0, 34, 0]
    capture = Capture(STANDING.angles, path)
    rest = dict.fromkeys(any_rest(0), lying.T)
    motion = load_motion(write_bvh(capture, tmp_path / "a.bvh", rest=rest))
    wanted = load_motion(write_bvh(capture, tmp_path / "b.bvh"))
    for bone in (*LIMBS, TORSO):
        turn = headed_alike(motion, wanted)
        assert degrees(turn.apply(directions(motion, *bone)), directions(wanted, *bone)).max() < 10, bone


def test_somebody_who_lies_by_a_skeleton_that_stands_lies(tmp_path):
    angles = np.zeros((20, *STANDING.angles.shape[1:]))
    angles[:, 0, 0] = -90
    motion = load_motion(write_bvh(Capture(angles, np.tile([0, 3.0, 50], (20, 1))), tmp_path / "asleep.bvh"))
    assert abs(directions(motion, *TORSO)[:, 1]).max() < 0.2


def test_feet_that_point_down_at_rest_are_flat_where_the_captured_feet_are(tmp_path):
    down = dict.fromkeys(any_rest(0), np.eye(3))
    for side in "lr":
        for bone in ("foot", "toes"):
            down[side + bone] = Rotation.from_euler("x", -70, degrees=True).as_matrix()
    still = Capture(np.zeros((2, *STANDING.angles.shape[1:])), np.zeros((2, 3)))
    flat = load_motion(write_bvh(still, tmp_path / "flat.bvh"))
    motion = load_motion(write_bvh(still, tmp_path / "down.bvh", rest=down))
    off = degrees(directions(motion, "left_ankle", "left_foot"), directions(flat, "left_ankle", "left_foot"))
    assert off.max() < 20


def test_hips_travel_below_a_root_that_stays(tmp_path):
    """A node above the hips, as motion builders write it; the hips have positions of their own."""
    path = write_bvh(STANDING, tmp_path / "a.bvh")
    wanted = load_motion(path)

    def under_a_node(text: str) -> str:
        head, _, table = text.partition("MOTION")
        tree = head.removeprefix("HIERARCHY\n").replace("ROOT", "JOINT", 1)
        node = "ROOT Armature\n{\nOFFSET 0 0 0\nCHANNELS 6 Xposition Yposition Zposition Zrotation"
        table = re.sub(r"(?m)^(?=[-\d])", "0 0 0 0 0 0 ", table)
        return f"HIERARCHY\n{node} Xrotation Yrotation\n{tree}}}\nMOTION{table}"

    motion = load_motion(rewritten(path, under_a_node))
    np.testing.assert_allclose(motion.translation, wanted.translation, atol=1e-4)
    np.testing.assert_allclose(motion.rotations, wanted.rotations, atol=1e-4)


def test_joints_that_lie_on_their_parents_are_held_as_their_parents_are(tmp_path):
    still = Capture(np.zeros((2, *STANDING.angles.shape[1:])), np.zeros((2, 3)))
    path = write_bvh(still, tmp_path / "a.bvh", arms_down=True)
    without = rewritten(path, lambda text: re.sub(r"(JOINT .fingers\n\{\nOFFSET ).*", r"\g<1>0 0 0", text))
    motion = load_motion(without)
    assert np.isfinite(motion.rotations).all()
    assert np.isfinite(motion.translation).all()
    assert directions(motion, "left_elbow", "left_wrist")[:, 1].max() < -0.99
    assert directions(motion, "left_wrist", "left_middle1")[:, 1].max() < -0.9


VARIANTS = {
    "a byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "UTF-16": lambda text: text.encode("utf-16"),
    "capitals": lambda text: text.replace("Frames:", "FRAMES:").encode(),
    "small letters": lambda text: text.replace("Frame Time:", "frame time :").encode(),
    "tabs": lambda text: text.replace(" ", "\t").replace("Frame\tTime", "Frame Time").encode(),
    "Windows' ends of lines": lambda text: text.replace("\n", "\r\n").encode(),
    "decimal commas": lambda text: text.replace(".", ",").encode(),
    "a frame fewer announced": lambda text: text.replace("Frames: 40", "Frames: 39").encode(),
    "a frame more announced": lambda text: text.replace("Frames: 40", "Frames: 41").encode(),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_bvh_as_programs_write_it_is_read_as_any_other(tmp_path, variant):
    path = write_bvh(STANDING, tmp_path / "a.bvh")
    wanted = load_motion(path)
    path.write_bytes(VARIANTS[variant](path.read_text()))
    motion = load_motion(path)
    np.testing.assert_array_equal(motion.rotations, wanted.rotations)
    assert motion.fps == wanted.fps


def test_a_prop_beside_the_person_is_passed_over(tmp_path):
    path = write_bvh(STANDING, tmp_path / "a.bvh")
    wanted = load_motion(path)
    table = path.read_text().partition("Frame Time")[2].partition("\n")[2]
    with_prop = path.read_text().replace(table, re.sub(r"(?m)(?<=.)$", " 1 2 3", table))
    head, _, rest = with_prop.partition("MOTION")
    prop = "ROOT Sword\n{\nOFFSET 0 0 0\nCHANNELS 3 Xposition Yposition Zposition\n}\n"
    path.write_text(f"{head}{prop}MOTION{rest}")
    np.testing.assert_array_equal(load_motion(path).rotations, wanted.rotations)


def test_two_people_in_one_file_are_refused(tmp_path):
    path = write_bvh(STANDING, tmp_path / "a.bvh")
    text = path.read_text()
    head, _, table = text.partition("MOTION")
    rows = table.partition("Frame Time")[2].partition("\n")[2]
    tree = head.removeprefix("HIERARCHY\n")
    doubled = table.replace(rows, re.sub(r"(?m)^(.+)$", r"\1 \1", rows))
    path.write_text(f"HIERARCHY\n{tree}{tree}MOTION{doubled}")
    with pytest.raises(BodyError, match="2 people are in the file: 'root', 'root'"):
        load_motion(path)
