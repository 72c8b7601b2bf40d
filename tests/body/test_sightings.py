"""A pose from what a detector saw: in space, hands included, and as corrected by an artist."""

import numpy as np
import pytest

from isa_engine.body import SMPLX_JOINTS, bundled_motion, open_body
from isa_engine.body.fitting.evidence import BONES, evidence
from isa_engine.body.fitting.fitting import fit_pose, settled
from isa_engine.body.fitting.keypoints import BODY_JOINTS, KEYPOINTS
from isa_engine.body.fitting.landmarks import LANDMARKS, carriers, detected_offsets
from isa_engine.body.model.rotation import axis_angles, matrices
from isa_engine.data.scenario.split import HELD_OUT
from tests.body.posed_keypoints import keypoints
from tests.detection.sightings import sighting, turned

SIZE = (720, 1080)
INTRINSICS = np.array([2.8 * SIZE[1] / SIZE[0], 2.8, 0.02, -0.05])
WRISTS = [SMPLX_JOINTS.index(f"{side}_wrist") for side in ("left", "right")]


@pytest.fixture(scope="module")
def body():
    return open_body()


def posed(seed: int, fingers: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """A pose that the prior has not seen, from any side, and where its pelvis is before the camera."""
    random = np.random.default_rng(seed)
    motion = bundled_motion(str(random.choice(HELD_OUT.motions)))
    rotations = motion.rotations[random.integers(len(motion.rotations))].astype(np.float64)
    rotations[BODY_JOINTS:] = 0
    if fingers:
        bend = random.uniform(-1.2, 0.1, (2, 5, 3))
        bend[:, 4] *= 0.3
        rotations[25:, 2] = (bend * [[[1]], [[-1]]]).reshape(-1)
    turn = matrices(np.array([0, random.uniform(0, 6.3), 0]))
    rotations[0] = axis_angles(turn @ matrices(rotations[0]))
    return rotations, np.array([random.uniform(-0.8, 0.8), random.uniform(-0.2, 0.2), -4.5])


def test_where_the_detector_puts_its_landmarks_is_taken_into_account(body):
    """Seen a few centimetres off on the body, they are moved back to within a few millimetres."""
    offsets = detected_offsets()
    assert np.linalg.norm(offsets, axis=1).mean() > 0.015
    for seed in range(3):
        rotations, place = posed(seed)
        truth = sighting(body, rotations, place, SIZE, INTRINSICS)
        seen = sighting(body, rotations, place, SIZE, INTRINSICS, elsewhere=offsets)
        mended = settled(body.joints(), seen, SIZE, INTRINSICS)
        before = np.linalg.norm(seen.places - truth.places, axis=1).mean()
        after = np.linalg.norm(mended.places - truth.places, axis=1).mean()
        assert after < 0.3 * before
        # In space the whole may be moved: bones alone are read.
        turns = [BONES @ one.shape for one in (truth, seen, mended)]
        way, wrong, right = (turn / np.linalg.norm(turn, axis=1, keepdims=True) for turn in turns)
        assert np.linalg.norm(right - way, axis=1).mean() < 0.4 * np.linalg.norm(wrong - way, axis=1).mean()


def marks(seen) -> np.ndarray:
    return seen.places[: len(KEYPOINTS)].copy()


def apart(body, fit, rotations) -> np.ndarray:
    """Distances of root-aligned joints, ``(55,)`` millimetres."""
    _, found = body.pose(rotations=fit.rotations, vertices=[0])
    _, truth = body.pose(rotations=rotations, vertices=[0])
    return 1e3 * np.linalg.norm((found - found[0]) - (truth - truth[0]), axis=1)


def test_landmarks_begin_with_the_keypoints_and_move_with_their_joints(body):
    rotations, _ = posed(3)
    rest = body.joints().astype(np.float64)
    _, joints = body.pose(rotations=rotations, vertices=[0])
    turns = turned(rotations)
    on, offsets = carriers(rest)
    points = joints[on] + np.einsum("pab,pb->pa", turns[on], offsets)
    assert LANDMARKS[:17] == KEYPOINTS
    np.testing.assert_allclose(points[:17], keypoints(joints, turns[15], rest), atol=1e-5)
    vertices = body.v_template
    rest_points = dict(zip(LANDMARKS, rest[on] + offsets, strict=True))
    for name in ("left_big_toe", "right_heel"):
        assert np.linalg.norm(vertices - rest_points[name], axis=1).min() < 0.015, name
    assert rest_points["left_big_toe"][2] > rest_points["left_heel"][2] + 0.2


def test_what_is_seen_in_space_is_posed_within_four_centimetres(body):
    errors = []
    for seed in range(6):
        rotations, place = posed(seed)
        seen = sighting(body, rotations, place, SIZE, INTRINSICS)
        fit = fit_pose(body.joints(), marks(seen), SIZE, INTRINSICS, seen)
        errors.append(apart(body, fit, rotations)[:BODY_JOINTS].mean())
        assert fit.error < 6
    assert max(errors) < 40
    assert np.median(errors) < 30


def test_space_settles_what_the_picture_leaves_open(body):
    alone, in_space = [], []
    for seed in range(4):
        rotations, place = posed(seed)
        seen = sighting(body, rotations, place, SIZE, INTRINSICS)
        for errors, known in ((alone, None), (in_space, seen)):
            fit = fit_pose(body.joints(), marks(seen), SIZE, INTRINSICS, known)
            errors.append(apart(body, fit, rotations)[:BODY_JOINTS].mean())
    assert np.mean(in_space) < 0.7 * np.mean(alone)


def test_fingers_bend_as_they_were_seen_and_rest_where_nobody_saw_them(body):
    rotations, place = posed(5, fingers=True)
    seen = sighting(body, rotations, place, SIZE, INTRINSICS, hands=True)
    fit = fit_pose(body.joints(), marks(seen), SIZE, INTRINSICS, seen)
    _, found = body.pose(rotations=fit.rotations, vertices=[0])
    _, truth = body.pose(rotations=rotations, vertices=[0])
    for side, wrist in enumerate(WRISTS):
        hand = slice(25 + 15 * side, 40 + 15 * side)
        off = np.linalg.norm((found[hand] - found[wrist]) - (truth[hand] - truth[wrist]), axis=1)
        assert 1e3 * off.mean() < 15
    unseen = sighting(body, rotations, place, SIZE, INTRINSICS)
    assert not fit_pose(body.joints(), marks(unseen), SIZE, INTRINSICS, unseen).rotations[25:].any()


def test_a_keypoint_that_was_dragged_is_the_artists_and_the_rest_the_detectors(body):
    rotations, place = posed(1)
    seen = sighting(body, rotations, place, SIZE, INTRINSICS)
    wrist = KEYPOINTS.index("left_wrist")
    truth = marks(seen)
    # The detector took something else for the wrist.
    seen.places[wrist] += [60, -40]
    seen.shape[wrist] += [0.2, 0.15, 0.1]
    wrong = fit_pose(body.joints(), marks(seen), SIZE, INTRINSICS, seen)
    mended = fit_pose(body.joints(), truth, SIZE, INTRINSICS, seen)
    joint = SMPLX_JOINTS.index("left_wrist")
    assert apart(body, mended, rotations)[joint] < 0.5 * apart(body, wrong, rotations)[joint]
    assert np.linalg.norm(mended.keypoints[wrist] - truth[wrist]) < 8


def test_a_dragged_mark_weighs_more_than_a_landmark_and_an_unsure_one_less(body):
    seen = sighting(body, *posed(2), SIZE, INTRINSICS)
    seen.sure[KEYPOINTS.index("right_knee")] = 0.1
    marked = marks(seen)
    marked[KEYPOINTS.index("left_knee")] += 5
    known = evidence(marked, SIZE, INTRINSICS, seen)
    left, right, hip = (
        known.weights[KEYPOINTS.index(name)] for name in ("left_knee", "right_knee", "left_hip")
    )
    assert left > hip > 5 * right
    touching = (BONES[:, KEYPOINTS.index("left_knee")] != 0).nonzero()[0]
    assert not known.direction_weights[touching].any()
    assert known.direction_weights.any()


def test_a_hand_of_no_extent_is_left_at_rest(body):
    seen = sighting(body, *posed(2), SIZE, INTRINSICS, hands=True)
    seen.hands[0].shape[:] = 0
    fit = fit_pose(body.joints(), marks(seen), SIZE, INTRINSICS, seen)
    assert np.isfinite(fit.rotations).all()
    assert not fit.rotations[25:40].any()
