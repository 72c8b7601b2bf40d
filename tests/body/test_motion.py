import numpy as np
import pytest

from isa_engine.body import Motion, bundled_motion, bundled_motions, load_motion, open_body, write_motion
from isa_engine.body.model.rotation import matrices
from isa_engine.errors import BodyError

# Y up to AMASS's Z up.
TO_Z_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])


def random_motion(frames: int = 5, fps: float = 30.0) -> Motion:
    """Somebody roughly upright, no faster than people are."""
    random = np.random.default_rng(1)
    return Motion(
        name="take",
        fps=fps,
        rotations=random.normal(0, 0.3, (frames, 55, 3)).astype(np.float32),
        translation=random.normal(0, 0.1, (frames, 3)).astype(np.float32),
        betas=random.normal(size=10).astype(np.float32),
        gender="female",
    )


def amass_fields(motion: Motion) -> dict:
    """The motion as AMASS would have it: the same movement in a world whose Z is up."""
    from scipy.spatial.transform import Rotation

    poses = motion.rotations.astype(np.float64)
    poses[:, 0] = Rotation.from_matrix(TO_Z_UP @ matrices(poses[:, 0])).as_rotvec()
    pelvis = open_body().joints()[0]
    return {
        "poses": poses.reshape(len(poses), 165),
        "trans": (motion.translation + pelvis) @ TO_Z_UP.T - pelvis,
        "betas": np.arange(16.0),
        "gender": "female",
        "mocap_frame_rate": np.array(motion.fps),
    }


def vertices(motion: Motion) -> np.ndarray:
    posed, _ = open_body().pose(
        rotations=motion.rotations, translation=motion.translation, vertices=slice(None, None, 50)
    )
    return posed


def test_a_written_motion_is_read_back(tmp_path):
    motion = random_motion()
    write_motion(motion, tmp_path / "take.npz")
    back = load_motion(tmp_path / "take.npz")
    assert (back.name, back.fps, back.gender) == ("take", 30, "female")
    np.testing.assert_array_equal(back.betas, motion.betas)
    np.testing.assert_array_equal(back.translation, motion.translation)
    np.testing.assert_allclose(back.rotations, motion.rotations, atol=1e-3)


def test_amass_is_turned_from_z_up_to_y_up(tmp_path):
    motion = random_motion()
    np.savez(tmp_path / "amass.npz", **amass_fields(motion))
    back = load_motion(tmp_path / "amass.npz")
    np.testing.assert_allclose(vertices(back), vertices(motion), atol=1e-5)
    assert (back.fps, back.gender, len(back.betas)) == (30, "female", 16)


def test_amasss_older_name_of_the_frame_rate_and_bytes_for_gender_are_read(tmp_path):
    fields = amass_fields(random_motion()) | {
        "gender": np.array(b"male"),
        "mocap_framerate": np.array([120.0]),
    }
    del fields["mocap_frame_rate"]
    np.savez(tmp_path / "amass.npz", **fields)
    back = load_motion(tmp_path / "amass.npz")
    assert (back.fps, back.gender) == (120, "male")


def test_the_same_fields_in_a_world_with_y_up_are_left_as_they_are(tmp_path):
    motion = random_motion()
    fields = amass_fields(motion) | {"poses": motion.rotations.reshape(-1, 165), "trans": motion.translation}
    np.savez(tmp_path / "take.npz", **fields)
    np.testing.assert_allclose(vertices(load_motion(tmp_path / "take.npz")), vertices(motion), atol=1e-5)


@pytest.mark.parametrize("parts", [False, True])
@pytest.mark.parametrize("world", ["Z up", "a camera's"])
def test_another_world_is_known_by_where_heads_point(tmp_path, world, parts):
    """Y is down before a camera."""
    from scipy.spatial.transform import Rotation

    motion, pelvis = random_motion(), open_body().joints()[0]
    motion.rotations[:, 0] *= 0.3
    turn = TO_Z_UP if world == "Z up" else np.diag([1.0, -1, -1])
    rotations = motion.rotations.astype(np.float64)
    rotations[:, 0] = Rotation.from_matrix(turn @ matrices(rotations[:, 0])).as_rotvec()
    places = (motion.translation + pelvis) @ turn.T - pelvis
    if parts:
        names = {"global_orient": slice(1), "body_pose": slice(1, 22), "jaw_pose": slice(22, 23)}
        names |= {"leye_pose": slice(23, 24), "reye_pose": slice(24, 25)}
        names |= {"left_hand_pose": slice(25, 40), "right_hand_pose": slice(40, 55)}
        fields = {name: rotations[:, joints].reshape(len(places), -1) for name, joints in names.items()}
        fields["transl"] = places
    else:
        # In a row or joint by joint.
        fields = {"poses": rotations, "trans": places}
    np.savez(tmp_path / "take.npz", **fields, fps=30)
    np.testing.assert_allclose(vertices(load_motion(tmp_path / "take.npz")), vertices(motion), atol=1e-5)


def test_a_file_that_says_which_axis_is_up_is_believed(tmp_path):
    """Somebody who lies down looks as if another axis were up."""
    motion = random_motion()
    motion.rotations[:, 0] = [-np.pi / 2, 0, 0]
    write_motion(motion, tmp_path / "asleep.npz")
    np.testing.assert_allclose(vertices(load_motion(tmp_path / "asleep.npz")), vertices(motion), atol=5e-3)


@pytest.mark.parametrize("field", ["surface_model_type", "dmpls", "marker_data"])
def test_amass_is_known_by_its_own_fields_where_people_lie(tmp_path, field):
    motion = random_motion()
    # On the back, head towards AMASS's Y.
    motion.rotations[:, 0] = [-np.pi / 2, 0, 0]
    np.savez(tmp_path / "asleep.npz", **amass_fields(motion), **{field: np.array("smplx")})
    np.testing.assert_allclose(vertices(load_motion(tmp_path / "asleep.npz")), vertices(motion), atol=1e-5)


def test_smplh_poses_are_given_a_still_jaw_and_eyes_and_lose_their_shape(tmp_path):
    motion = random_motion()
    motion.rotations[:, 22:25] = 0
    fields = amass_fields(motion)
    poses = fields["poses"].reshape(-1, 55, 3)
    fields["poses"] = np.delete(poses, [22, 23, 24], axis=1).reshape(-1, 156)
    np.savez(tmp_path / "amass.npz", **fields)
    back = load_motion(tmp_path / "amass.npz")
    np.testing.assert_allclose(vertices(back), vertices(motion), atol=1e-5)
    assert len(back.betas) == 0


def test_smplxs_named_parts_are_read_and_those_absent_are_at_rest(tmp_path):
    motion = random_motion()
    motion.rotations[:, 22:40] = 0
    np.savez(
        tmp_path / "parts.npz",
        global_orient=motion.rotations[:, 0],
        body_pose=motion.rotations[:, 1:22].reshape(-1, 63),
        right_hand_pose=motion.rotations[:, 40:],
        transl=motion.translation,
        betas=np.tile(motion.betas, (5, 1)),
        fps=25,
    )
    back = load_motion(tmp_path / "parts.npz")
    np.testing.assert_array_equal(back.rotations, motion.rotations)
    np.testing.assert_array_equal(back.translation, motion.translation)
    np.testing.assert_array_equal(back.betas, motion.betas)
    assert back.fps == 25


WRONG = {
    "columns of SMPL": ({"poses": np.zeros((5, 72))}, r"72 columns, but SMPL-X has 165 .*field 'poses'\)"),
    "no frames": ({"poses": np.zeros((0, 165))}, r"there are no frames.*field 'poses'\)"),
    "not a number": (
        {"poses": np.full((5, 165), np.nan)},
        r"some of the numbers are not finite.*field 'poses'\)",
    ),
    "another length": (
        {"trans": np.zeros((4, 3))},
        r"^float64 of shape \(4, 3\) does not fit \(.*field 'trans'\)",
    ),
    "objects": (
        {"trans": np.array([{}, []], dtype=object)},
        r"the field holds Python objects.*field 'trans'\)",
    ),
    "no translation": ({"trans": None}, r"the field is missing.*field 'trans'\)"),
    "no rate": ({"mocap_frame_rate": None}, r"no frame rate \(.*\)\. Add it as 'mocap_frame_rate'"),
    "no time": ({"mocap_frame_rate": 0.0}, r"0.0 is not a frame rate.*field 'mocap_frame_rate'\)"),
    "something else": (
        {"poses": None},
        "neither 'poses' nor 'global_orient' and 'body_pose' are in the file",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_motion_with_something_wrong_in_it_says_what(tmp_path, kind):
    changes, sentence = WRONG[kind]
    fields = amass_fields(random_motion()) | changes
    path = tmp_path / "take.npz"
    np.savez(path, **{name: value for name, value in fields.items() if value is not None})
    with pytest.raises(BodyError, match=sentence) as caught:
        load_motion(path)
    assert str(path) in str(caught.value)


def test_a_truncated_motion_is_refused(tmp_path):
    write_motion(random_motion(), tmp_path / "take.npz")
    whole = (tmp_path / "take.npz").read_bytes()
    (tmp_path / "take.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BodyError, match=r"not a whole \.npz"):
        load_motion(tmp_path / "take.npz")


def test_a_part_of_another_length_is_refused(tmp_path):
    np.savez(
        tmp_path / "parts.npz",
        global_orient=np.zeros((5, 3)),
        body_pose=np.zeros((5, 69)),
        transl=np.zeros((5, 3)),
    )
    with pytest.raises(
        BodyError, match=r"the shape is \(5, 69\) where \(5, 63\) is needed \(.*'body_pose'\)"
    ):
        load_motion(tmp_path / "parts.npz")


def test_writing_into_a_folder_that_is_not_there_says_so(tmp_path):
    with pytest.raises(BodyError, match="cannot write the motion: No such file"):
        write_motion(random_motion(), tmp_path / "nowhere" / "take.npz")


def test_resampling_to_the_same_rate_changes_nothing():
    motion = random_motion()
    same = motion.resampled(30)
    np.testing.assert_allclose(matrices(same.rotations), matrices(motion.rotations), atol=1e-5)
    np.testing.assert_allclose(same.translation, motion.translation, atol=1e-6)


@pytest.mark.parametrize("fps", [24, 25, 60, 120, 29.97])
def test_resampling_keeps_the_duration_and_the_first_frame(fps):
    motion = random_motion(frames=31)
    resampled = motion.resampled(fps)
    assert resampled.fps == fps
    assert 0 <= 1.0 - (len(resampled.rotations) - 1) / fps < 1 / fps
    np.testing.assert_allclose(matrices(resampled.rotations[0]), matrices(motion.rotations[0]), atol=1e-5)
    np.testing.assert_allclose(resampled.translation[0], motion.translation[0])


def test_frames_between_are_halfway_along_the_shortest_turn():
    """From 170° to −170° is 20° through the back, not 340° through the front."""
    rotations = np.zeros((2, 55, 3), np.float32)
    rotations[:, 0, 1] = np.radians([170, -170])
    translation = np.array([[0, 0, 0], [2, 0, 0]], np.float32)
    middle = Motion("turn", 1.0, rotations, translation, np.zeros(0)).resampled(2)
    np.testing.assert_allclose(np.abs(middle.rotations[1, 0]), [0, np.pi, 0], atol=1e-4)
    np.testing.assert_allclose(middle.translation[1], [1, 0, 0])


def test_one_frame_resampled_is_one_frame():
    motion = random_motion(frames=1).resampled(24)
    assert motion.rotations.shape == (1, 55, 3)


def test_there_are_clips_of_walking_and_of_gestures():
    assert {"walk", "gesture"} <= set(bundled_motions())
    with pytest.raises(BodyError, match=r"no bundled motion 'fly'\. Choose one of: .*walk"):
        bundled_motion("fly")


@pytest.mark.parametrize("name", bundled_motions())
def test_every_clip_stays_by_the_ground_and_starts_over_the_origin(name):
    motion, body = bundled_motion(name), open_body()
    assert motion.fps == 24
    assert len(motion.rotations) > 24
    posed, joints = body.pose(rotations=motion.rotations, translation=motion.translation)
    lowest = posed[..., 1].min(1)
    assert lowest.min() > -0.05
    assert abs(np.quantile(lowest, 0.35)) < 0.03
    np.testing.assert_allclose(joints[0, 0, [0, 2]], 0, atol=1e-2)


def test_while_the_walk_travels_the_foot_on_the_ground_stands():
    motion, body = bundled_motion("walk"), open_body()
    soles = np.flatnonzero(body.weights[:, [7, 8, 10, 11]].sum(1) > 0.5)
    posed, _ = body.pose(rotations=motion.rotations, translation=motion.translation, vertices=soles)
    speed = np.linalg.norm(np.gradient(posed[..., [0, 2]], 1 / motion.fps, axis=0), axis=-1)
    on_the_ground = posed[..., 1] < 0.02
    travelled = np.linalg.norm(motion.translation[-1] - motion.translation[0])
    assert travelled / (len(motion.rotations) / motion.fps) > 0.9
    assert np.median(speed[on_the_ground]) < 0.2
    assert np.quantile(speed[~on_the_ground], 0.9) > 1
