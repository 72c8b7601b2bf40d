import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_engine.body import SMPLX_JOINTS, open_body
from isa_engine.body.model.rotation import matrices
from isa_engine.errors import BodyError

angles = st.tuples(*[st.floats(-3, 3)] * 3).map(np.array)
metres = st.tuples(*[st.floats(-5, 5)] * 3).map(np.array)


def random_pose(frames: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.normal(0, 0.4, (frames, 55, 3)), random.normal(0, 1, (frames, 3))


def test_at_rest_a_body_is_its_template_plus_its_shape():
    body, betas = open_body(), np.array([1.5, -1, 0.5])
    vertices, joints = body.pose(betas=betas)
    np.testing.assert_allclose(vertices, body.v_template + body.shapedirs[..., :3] @ betas, atol=1e-6)
    np.testing.assert_allclose(joints, body.joint_regressor @ vertices, atol=1e-5)


@settings(max_examples=10)
@given(angles, metres)
def test_the_root_turns_the_whole_body_about_the_pelvis_and_the_translation_moves_it(turn, move):
    body = open_body()
    rotations = np.zeros((55, 3))
    rotations[0] = turn
    vertices, joints = body.pose(rotations=rotations, translation=move)
    pelvis = body.joints()[0]
    wanted = (body.v_template - pelvis) @ matrices(turn).T + pelvis + move
    np.testing.assert_allclose(vertices, wanted, atol=1e-5)
    np.testing.assert_allclose(joints, (body.joints() - pelvis) @ matrices(turn).T + pelvis + move, atol=1e-5)


def test_turning_a_knee_moves_the_leg_below_it_and_nothing_else():
    body = open_body()
    rotations = np.zeros((55, 3))
    rotations[4] = [0.8, 0, 0]
    vertices, joints = body.pose(rotations=rotations)
    moved = np.linalg.norm(vertices - body.v_template, axis=1) > 1e-5
    of_shank = body.weights[:, [4, 7, 10]].sum(1) > 0
    assert not moved[~of_shank].any()
    assert moved[of_shank].mean() > 0.9
    shank, at_rest = joints[7] - joints[4], body.joints()[7] - body.joints()[4]
    np.testing.assert_allclose(shank, matrices(rotations[4]) @ at_rest, atol=1e-5)


def test_a_take_posed_at_once_is_the_take_posed_frame_by_frame():
    body = open_body()
    rotations, translation = random_pose(35)
    vertices, joints = body.pose(betas=[1.0], rotations=rotations, translation=translation)
    for frame in (0, 31, 32, 34):
        alone = body.pose(betas=[1.0], rotations=rotations[frame], translation=translation[frame])
        np.testing.assert_allclose(vertices[frame], alone[0], atol=1e-5)
        np.testing.assert_allclose(joints[frame], alone[1], atol=1e-5)


def test_some_of_the_vertices_are_those_of_the_whole_body():
    body = open_body()
    rotations, translation = random_pose(2)
    expression = np.random.default_rng(1).normal(size=(2, 5))
    some = np.array([5, 10_000, 77])
    whole, _ = body.pose((), expression, rotations, translation)
    part, _ = body.pose((), expression, rotations, translation, some)
    np.testing.assert_allclose(part, whole[:, some], atol=1e-6)


def test_an_expression_may_change_from_frame_to_frame():
    body = open_body()
    expression = np.eye(3, 8)
    vertices, _ = body.pose(expression=expression)
    assert vertices.shape == (3, len(body.v_template), 3)
    for frame in range(3):
        np.testing.assert_allclose(vertices[frame], body.pose(expression=expression[frame])[0], atol=1e-6)


@pytest.mark.parametrize("too_many", [{"betas": np.ones(11)}, {"expression": np.ones(500)}])
def test_components_that_the_body_does_not_have_are_refused(too_many):
    with pytest.raises(BodyError, match="but the body has"):
        open_body().pose(**too_many)


def test_the_open_body_stands_upright_in_a_t():
    body = open_body()
    joints = dict(zip(SMPLX_JOINTS, body.joints(), strict=True))
    assert 1.5 < np.ptp(body.v_template[:, 1]) < 1.8
    assert joints["head"][1] > joints["pelvis"][1] > joints["left_knee"][1] > joints["left_ankle"][1]
    for side, x in (("left", 1), ("right", -1)):
        arm = joints[f"{side}_wrist"] - joints[f"{side}_shoulder"]
        np.testing.assert_allclose(arm / np.linalg.norm(arm), [x, 0, 0], atol=0.02)
    assert joints["left_foot"][2] > joints["left_ankle"][2] + 0.05
    np.testing.assert_allclose(joints["left_eye_smplhf"] * [-1, 1, 1], joints["right_eye_smplhf"], atol=2e-3)


def test_the_open_bodys_tables_are_whole():
    body = open_body()
    assert body.shapedirs.shape[-1] == 10
    np.testing.assert_allclose(body.weights.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(body.joint_regressor.sum(1), 1, atol=1e-5)
    assert body.uv_faces.shape == body.faces.shape
    assert body.uv.min() >= 0
    assert body.uv.max() <= 1
    # Outward faces: the volume by the divergence theorem is a person's, in litres.
    a, b, c = np.moveaxis(body.v_template[body.faces].astype(np.float64), 1, 0)
    assert 0.04 < np.einsum("fa,fa->", a, np.cross(b, c)) / 6 < 0.12
