"""What a file says that no body does is said, and never played."""

import numpy as np
import pytest

from isa_engine.body import SMPLX_JOINTS, bundled_motion, load_motion, write_motion
from isa_engine.errors import BodyError


def _changed(tmp_path, change):
    motion = bundled_motion("walk")
    change(motion)
    write_motion(motion, tmp_path / "odd.npz")
    return tmp_path / "odd.npz"


@pytest.mark.parametrize("joint", ["left_hip", "right_knee", "neck", "right_elbow"])
def test_a_limb_that_is_turned_as_no_limb_turns_is_named(tmp_path, joint):
    def change(motion):
        motion.rotations[:, SMPLX_JOINTS.index(joint)] = [0, np.radians(170), 0]

    with pytest.raises(BodyError, match=f"turns the {joint.replace('_', ' ')} by more than 150° on 100%"):
        load_motion(_changed(tmp_path, change))


def test_a_limb_that_is_so_for_a_moment_is_let_through(tmp_path):
    def change(motion):
        motion.rotations[:9, SMPLX_JOINTS.index("left_shoulder")] = [0, np.radians(170), 0]

    load_motion(_changed(tmp_path, change))


def test_a_turn_is_the_shorter_of_its_two_ways(tmp_path):
    def change(motion):
        knee = motion.rotations[:, SMPLX_JOINTS.index("left_knee")]
        knee[:] = knee * (1 - 2 * np.pi / np.linalg.norm(knee, axis=1, keepdims=True))

    load_motion(_changed(tmp_path, change))


def test_somebody_below_the_ground_all_along_is_refused_and_somebody_who_dives_is_not(tmp_path):
    def dive(motion):
        motion.translation[5:, 1] -= 3

    load_motion(_changed(tmp_path, dive))

    def sink(motion):
        motion.translation[:, 1] -= 3

    with pytest.raises(BodyError, match=r"below the ground from head to foot on all frames, by \d"):
        load_motion(_changed(tmp_path, sink))


def _as_written(tmp_path, poses, places) -> None:
    path = tmp_path / "odd.npz"
    np.savez(path, poses=poses, trans=places, mocap_frame_rate=24.0, up_axis="Y")
    load_motion(path)


@pytest.mark.parametrize("moving", [True, False])
@pytest.mark.parametrize("unit", [100, 1000])
def test_places_in_another_unit_than_metres_are_refused(tmp_path, unit, moving):
    walk = bundled_motion("walk")
    places = walk.translation if moving else np.broadcast_to(walk.translation[:1], walk.translation.shape)
    poses = walk.rotations.reshape(len(places), -1)
    _as_written(tmp_path, poses, places)
    with pytest.raises(BodyError, match=r"its unit is no meter \(.*\)\. Export its places in meters"):
        _as_written(tmp_path, poses, unit * places)


def test_angles_in_degrees_are_refused(tmp_path):
    walk = bundled_motion("walk")
    poses = walk.rotations.reshape(len(walk.rotations), -1).astype(float)
    with pytest.raises(BodyError, match=r"seem to be in degrees \(.*\)\. Export them in radians"):
        _as_written(tmp_path, np.degrees(poses), walk.translation)
