"""A pose from marked keypoints: on pictures of known poses, from motions that the prior has not seen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_engine.body import SMPLX_JOINTS, bundled_motion, open_body
from isa_engine.body.fitting.fitting import Fit, fit_pose
from isa_engine.body.fitting.keypoints import BODY_JOINTS, HEAD, KEYPOINTS
from isa_engine.body.fitting.pose_prior import pose_prior
from isa_engine.body.model.rotation import axis_angles, matrices
from isa_engine.body.model.skeleton import mirrored
from isa_engine.data.scenario.bake_pose_prior import bake
from isa_engine.data.scenario.split import HELD_OUT, TRAINING
from isa_engine.errors import BodyError
from isa_engine.geometry.camera import projection
from isa_engine.geometry.ndc import project
from tests.body.posed_keypoints import keypoints

SIZE = (720, 1080)
FOCAL = 2.8
INTRINSICS = np.array([FOCAL * SIZE[1] / SIZE[0], FOCAL, 0.02, -0.05])


@pytest.fixture(scope="module")
def body():
    return open_body()


def photograph(body, rotations, place, intrinsics=INTRINSICS) -> tuple[np.ndarray, np.ndarray]:
    """Keypoints ``(17, 2)`` in pixels and joints ``(22, 3)`` of a posed body whose pelvis is at a place."""
    rest = body.joints().astype(np.float64)
    _, joints = body.pose(rotations=rotations, translation=place - rest[0], vertices=[0])
    head = np.eye(3)
    joint = HEAD
    while joint >= 0:
        head, joint = matrices(rotations[joint]) @ head, body.parents[joint]
    points = keypoints(joints.astype(np.float64), head, rest)
    ndc, in_front = project(points, projection(intrinsics))
    assert in_front.all()
    return (ndc[:, :2] * [1, -1] + 1) / 2 * SIZE, joints[:BODY_JOINTS]


def unseen(random) -> tuple[np.ndarray, np.ndarray]:
    """A held-out pose, seen from anywhere about and somewhat above or below, and its place."""
    motion = bundled_motion(str(random.choice(HELD_OUT.motions)))
    rotations = motion.rotations[random.integers(len(motion.rotations))].astype(np.float64)
    rotations[BODY_JOINTS:] = 0
    turn = matrices(np.array([random.normal(0, 0.12), 0, 0])) @ matrices(
        np.array([0, random.uniform(0, 6.3), 0])
    )
    rotations[0] = axis_angles(turn @ matrices(rotations[0]))
    return rotations, np.array(
        [random.uniform(-0.3, 0.3), random.uniform(-0.2, 0.2), -random.uniform(3.5, 6)]
    )


def off(body, fit: Fit, joints: np.ndarray) -> float:
    """Mean distance of root-aligned joints, millimetres."""
    _, found = body.pose(rotations=fit.rotations, vertices=[0])
    found = found[:BODY_JOINTS] - found[0]
    return 1e3 * float(np.linalg.norm(found - (joints - joints[0]), axis=1).mean())


@pytest.mark.parametrize(("focal", "limit"), [(1.0, 45), (1.4, 60)])
def test_seventeen_clicks_find_poses_of_motions_that_were_never_seen(body, focal, limit):
    random, errors, left = np.random.default_rng(0), [], []
    for _ in range(8):
        rotations, place = unseen(random)
        pixels, joints = photograph(body, rotations, place)
        guess = INTRINSICS * [focal, focal, 1, 1]
        fit = fit_pose(body.joints(), pixels + random.normal(0, 1.5, pixels.shape), SIZE, guess)
        errors.append(off(body, fit, joints))
        left.append(fit.error)
    assert np.median(errors) <= limit
    assert max(errors) < 120
    assert np.median(left) < 4


def test_the_fits_keypoints_and_error_are_those_of_its_pose(body):
    rotations, place = unseen(np.random.default_rng(3))
    pixels, _ = photograph(body, rotations, place)
    marked = pixels.copy()
    marked[[3, 4]] = np.nan
    fit = fit_pose(body.joints(), marked, SIZE, INTRINSICS)
    again, _ = photograph(body, fit.rotations, fit.translation + body.joints()[0])
    np.testing.assert_allclose(fit.keypoints, again, atol=0.01)
    known = ~np.isnan(marked).any(1)
    expected = np.sqrt((np.linalg.norm((again - marked)[known], axis=1) ** 2).mean())
    assert fit.error == pytest.approx(expected, abs=1e-3)
    assert not fit.rotations[BODY_JOINTS:].any()


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda marks, random: random.uniform(0, 1, marks.shape) * SIZE, "no pose fits the marks"),
        (lambda marks, random: random.permutation(marks), "no pose fits the marks"),
        (lambda marks, random: np.where(np.arange(17)[:, None] < 11, np.nan, marks), "6 of the 17 joints"),
        (lambda marks, random: np.full_like(marks, 300.0), "lie in one place"),
    ],
)
def test_a_fit_that_failed_says_so(body, spoil, sentence):
    random = np.random.default_rng(1)
    pixels, _ = photograph(body, *unseen(random))
    with pytest.raises(BodyError, match=sentence) as failure:
        fit_pose(body.joints(), spoil(pixels, random), SIZE, INTRINSICS)
    assert failure.value.remedy


def test_the_bundled_prior_is_the_one_baked_from_what_training_sees():
    baked, bundled = bake(TRAINING.motions), pose_prior()
    np.testing.assert_allclose(bundled.mean, baked.mean, atol=1e-5)
    np.testing.assert_allclose(bundled.whitening, baked.whitening, atol=1e-3)
    assert not set(TRAINING.motions) & set(HELD_OUT.motions)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_a_mirrored_pose_is_the_mirror_image(seed):
    body = open_body()
    rotations = np.zeros((55, 3))
    rotations[:BODY_JOINTS] = np.random.default_rng(seed).normal(0, 0.5, (BODY_JOINTS, 3))
    other = np.zeros((55, 3))
    other[:BODY_JOINTS] = mirrored(rotations[:BODY_JOINTS])
    _, joints = body.pose(rotations=rotations, vertices=[0])
    _, image = body.pose(rotations=other, vertices=[0])
    sides = [
        SMPLX_JOINTS.index(name.replace("left", "@").replace("right", "left").replace("@", "right"))
        for name in SMPLX_JOINTS[:BODY_JOINTS]
    ]
    np.testing.assert_allclose(image[sides], joints[:BODY_JOINTS] * [-1, 1, 1], atol=2e-3)


def test_the_face_is_where_a_face_is(body):
    rest = body.joints().astype(np.float64)
    points = dict(zip(KEYPOINTS, keypoints(rest[None], np.eye(3)[None], rest)[0], strict=True))
    vertices = body.v_template
    for name in ("nose", "left_ear", "right_ear"):
        assert np.linalg.norm(vertices - points[name], axis=1).min() < 0.012
    assert points["nose"][2] > points["left_eye"][2] > points["left_ear"][2]
    assert points["left_ear"][0] == pytest.approx(-points["right_ear"][0], abs=1e-3)
    assert points["left_ear"][0] > 0.05
