"""Files of SMPL, SMPL-H, SMPL-X, FLAME and of another skinned mesh: read, shaped and posed."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from isa_engine.body import load_body, load_template
from isa_engine.body.model.rotation import matrices
from isa_engine.body.model.skeleton import TREES
from isa_engine.data.surfaces.skinned import SkinnedSurface
from isa_engine.errors import BodyError
from tests.body.templates import COLUMNS, EXPRESSIVE, LAYOUTS, template_fields, write_template

JOINTS = {"SMPL": 24, "SMPL-H": 52, "SMPL-X": 55, "FLAME": 5, "quadruped": 9}


@pytest.fixture(scope="module", params=LAYOUTS)
def template(request, tmp_path_factory):
    """A layout's name and its file as read."""
    path = write_template(tmp_path_factory.mktemp("templates"), request.param)
    return request.param, load_template(path)


def poses(count: int, joints: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.3, (count, joints, 3)).astype(np.float32)


def test_the_trees_are_the_published_ones():
    body = [-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19]
    left = [20, 22, 23, 20, 25, 26, 20, 28, 29, 20, 31, 32, 20, 34, 35]
    fingers = [*left, *(21 if parent == 20 else parent + 15 for parent in left)]
    assert TREES["SMPL"] == (*body, 20, 21)
    assert TREES["SMPL-H"] == (*body, *fingers)
    assert TREES["FLAME"] == (-1, 0, 1, 1, 1)
    # SMPL-X: the jaw and the eyes hang from the head, and come before the fingers.
    assert TREES["SMPL-X"] == (*body, 15, 15, 15, *(f if f in (20, 21) else f + 3 for f in fingers))


def test_what_a_file_holds_is_read(template):
    layout, body = template
    fields = template_fields(layout)
    assert len(body.parents) == JOINTS[layout]
    assert tuple(body.parents) == tuple(LAYOUTS[layout])
    expressions = 100 if layout in EXPRESSIVE else 0
    columns = COLUMNS.get(layout, 0)
    assert (body.shapedirs.shape[-1], body.exprdirs.shape[-1]) == (columns - expressions, expressions)
    assert len(body.hands_mean) == (30 if "hands_meanl" in fields else 0)
    np.testing.assert_allclose(body.v_template, fields["v_template"], atol=1e-6)


def test_skinning_is_the_familys(template):
    """Vertex by vertex, joint by joint, as the papers write it."""
    layout, body = template
    rotations = poses(1, JOINTS[layout])[0]
    betas = np.array([0.5, -1.0][: body.shapedirs.shape[-1]])
    expression = np.array([0.7][: body.exprdirs.shape[-1]])
    found, _ = body.pose(betas, expression, rotations, (1, 2, 3))

    rest = body.v_template + body.shapedirs[..., : len(betas)] @ betas
    rest = rest + body.exprdirs[..., : len(expression)] @ expression
    joints, local = body.joint_regressor @ rest, matrices(rotations)
    if body.posedirs.shape[-1]:
        rest = rest + body.posedirs @ (local[1:] - np.eye(3)).ravel()
    chain = []
    for j, parent in enumerate(body.parents):
        step = np.eye(4)
        step[:3, :3], step[:3, 3] = local[j], joints[j] - (0 if parent < 0 else joints[parent])
        chain.append(step if parent < 0 else chain[parent] @ step)
    wanted = np.zeros_like(rest)
    for j, place in enumerate(chain):
        wanted += body.weights[:, j, None] * ((rest - joints[j]) @ place[:3, :3].T + place[:3, 3])
    np.testing.assert_allclose(found - [1, 2, 3], wanted, atol=1e-4)


def test_training_samples_lie_on_the_posed_skin(template):
    """The renderer's skinning knows no pose correctives."""
    layout, body = template
    body = replace(body, posedirs=body.posedirs[..., :0])
    corners, at_the_first = body.faces[:60], np.tile([1.0, 0, 0], (60, 1))
    surface = SkinnedSurface(body, corners, at_the_first, "cpu")
    rotations, translation = poses(3, JOINTS[layout]), np.full((3, 3), 0.5, np.float32)
    betas = np.array([0.5, -1.0][: body.shapedirs.shape[-1]], np.float32)
    points, normals = surface.pose(*(torch.as_tensor(x) for x in (betas, rotations, translation)))
    vertices, _ = body.pose(betas, (), rotations, translation)
    wanted = vertices[:, corners[:, 0]]
    wanted = np.stack([wanted[..., 0], -wanted[..., 2], wanted[..., 1]], -1)
    np.testing.assert_allclose(points, wanted, atol=1e-5)
    torch.testing.assert_close(normals.norm(dim=-1), torch.ones(3, 60))


def test_motions_need_smpl_x(template, tmp_path):
    layout, _ = template
    path = write_template(tmp_path, layout)
    if layout == "SMPL-X":
        assert len(load_body(path).parents) == 55
        return
    with pytest.raises(BodyError, match="the joints are not SMPL-X's 55") as error:
        load_body(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("layout", "changes", "sentence"),
    [
        ("FLAME", {"posedirs": None}, r"the field is missing.*field 'posedirs'\)"),
        (
            "SMPL",
            {"weights": np.ones((100, 24))},
            r"^float64 of shape \(100, 24\) does not fit.*field 'weights'\)",
        ),
        ("SMPL-H", {"hands_meanl": None}, r"the field is missing.*field 'hands_meanl'\)"),
        (
            "quadruped",
            {"kintree_table": np.array([[-1, 2, 1], [0, 1, 2]])},
            r"a joint does not follow its parent.*field 'kintree_table'\)",
        ),
        ("quadruped", {"kintree_table": np.zeros((2, 0), int)}, "a joint does not follow"),
    ],
)
def test_a_template_with_something_wrong_in_it_says_which_field(tmp_path, layout, changes, sentence):
    fields = template_fields(layout) | changes
    path = tmp_path / "template.npz"
    np.savez(path, **{name: value for name, value in fields.items() if value is not None})
    with pytest.raises(BodyError, match=sentence):
        load_template(path)
