import numpy as np
import pytest

from isa_engine.body import SMPLX_PARENTS, load_body
from isa_engine.body.model.smplx_file import OPEN_BODY
from isa_engine.errors import BodyError
from tests.body.smplx_files import VERTICES, smplx_fields


def by_smplx(path, betas, expression, rotations, translation) -> np.ndarray:
    """Vertices by the smplx package, which is the layout's reference."""
    torch, smplx = pytest.importorskip("torch"), pytest.importorskip("smplx")
    model = smplx.SMPLX(
        str(path),
        ext="npz",
        use_pca=False,
        flat_hand_mean=True,
        num_betas=len(betas),
        num_expression_coeffs=len(expression),
        batch_size=len(rotations),
    )
    parts = {
        "global_orient": rotations[:, 0],
        "body_pose": rotations[:, 1:22],
        "jaw_pose": rotations[:, 22],
        "leye_pose": rotations[:, 23],
        "reye_pose": rotations[:, 24],
        "left_hand_pose": rotations[:, 25:40],
        "right_hand_pose": rotations[:, 40:],
        "transl": translation,
        "betas": np.tile(betas, (len(rotations), 1)),
        "expression": np.tile(expression, (len(rotations), 1)),
    }
    tensors = {k: torch.tensor(v.reshape(len(rotations), -1), dtype=torch.float32) for k, v in parts.items()}
    with torch.no_grad():
        return model(**tensors).vertices.numpy()


def assert_equals_smplx(path, expressions: int) -> None:
    random = np.random.default_rng(3)
    body = load_body(path)
    betas, expression = random.normal(size=10), random.normal(size=expressions)
    rotations, translation = random.normal(0, 0.5, (3, 55, 3)), random.normal(size=(3, 3))
    ours, _ = body.pose(betas, expression, rotations, translation)
    theirs = by_smplx(path, betas, expression, rotations, translation)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_the_open_body_poses_as_the_smplx_package_poses_it():
    assert_equals_smplx(OPEN_BODY, load_body(OPEN_BODY).exprdirs.shape[-1])


def test_a_file_of_10_and_10_components_poses_as_the_smplx_package_poses_it(body_file):
    assert_equals_smplx(body_file, 10)


def test_a_file_of_300_and_100_components_poses_as_the_smplx_package_poses_it(tmp_path):
    fields = smplx_fields(400)
    path = tmp_path / "SMPLX_FEMALE.npz"
    np.savez(path, **fields)
    body = load_body(path)
    assert (body.shapedirs.shape[-1], body.exprdirs.shape[-1]) == (300, 100)
    assert_equals_smplx(path, 20)


def test_relaxed_hands_are_read(body_file, fields):
    wanted = np.concatenate([fields["hands_meanl"], fields["hands_meanr"]]).reshape(30, 3)
    np.testing.assert_allclose(load_body(body_file).hands_mean, wanted, atol=1e-6)


@pytest.mark.parametrize("root", [-1, 2**32 - 1, 0])
def test_the_roots_parent_may_be_stored_in_any_way(fields, tmp_path, root):
    tree = fields["kintree_table"].astype(np.int64)
    tree[0, 0] = root
    np.savez(tmp_path / "body.npz", **fields | {"kintree_table": tree})
    assert tuple(load_body(tmp_path / "body.npz").parents) == SMPLX_PARENTS


def test_objects_beside_the_fields_do_not_matter(fields, tmp_path):
    """The release's files carry dictionaries."""
    np.savez(tmp_path / "body.npz", **fields, joint2num=np.array({"pelvis": 0}, dtype=object))
    assert len(load_body(tmp_path / "body.npz").v_template) == VERTICES


def test_components_that_are_zero_at_the_end_are_dropped(fields, tmp_path):
    directions = fields["shapedirs"].copy()
    directions[..., 6:10] = 0
    directions[..., 12:] = 0
    correctives = np.zeros_like(fields["posedirs"])
    np.savez(tmp_path / "body.npz", **fields | {"shapedirs": directions, "posedirs": correctives})
    body = load_body(tmp_path / "body.npz")
    assert (body.shapedirs.shape[-1], body.exprdirs.shape[-1], body.posedirs.shape[-1]) == (6, 2, 0)


BROKEN = {
    "a missing field": ({"weights": None}, r"the field is missing.*field 'weights'\)"),
    "another number of joints": (
        {"weights": np.ones((VERTICES, 24))},
        r"float64 of shape \(9940, 2",
    ),
    "words for numbers": ({"J_regressor": np.full((55, VERTICES), "a")}, r"<U1.*field 'J_regressor'\)"),
    "objects": (
        {"v_template": np.array([{}, []], dtype=object)},
        r"the field holds Python.*field 'v_template'\)",
    ),
    "not a number": (
        {"v_template": np.full((VERTICES, 3), np.nan)},
        r"some of the numbers.*field 'v_template'\)",
    ),
    "faces without vertices": (
        {"f": np.array([[0, 1, VERTICES]])},
        r"the field points beyond the vertices.*field 'f'\)",
    ),
    "another tree": ({"kintree_table": np.zeros((2, 55), int)}, "the joints are not SMPL-X's 55"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_body_with_something_wrong_in_it_says_which_field(fields, tmp_path, kind):
    changes, sentence = BROKEN[kind]
    # The big table is not what these are about.
    changed = fields | {"posedirs": np.zeros((VERTICES, 3, 486), np.int8)} | changes
    path = tmp_path / "body.npz"
    np.savez(path, **{name: value for name, value in changed.items() if value is not None})
    with pytest.raises(BodyError, match=sentence) as caught:
        load_body(path)
    assert str(path) in str(caught.value)


def test_a_pickle_is_not_opened_and_the_remedy_is_named(tmp_path):
    (tmp_path / "SMPLX_NEUTRAL.pkl").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    with pytest.raises(BodyError, match=r"a pickle can run any program.* \.npz"):
        load_body(tmp_path / "SMPLX_NEUTRAL.pkl")


@pytest.mark.parametrize("content", [b"", b"not a body", b"cos\nsystem\n(S'false'\ntR.", b"PK\3\4broken"])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    (tmp_path / "body.npz").write_bytes(content)
    with pytest.raises(BodyError, match=r"not (a whole|an) \.npz"):
        load_body(tmp_path / "body.npz")


@pytest.mark.parametrize("part", [0.3, 0.7, 0.999])
def test_a_truncated_body_is_refused(tmp_path, part):
    whole = OPEN_BODY.read_bytes()
    (tmp_path / "body.npz").write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(BodyError, match=r"not a whole \.npz"):
        load_body(tmp_path / "body.npz")


def test_a_damaged_body_is_refused(tmp_path):
    damaged = bytearray(OPEN_BODY.read_bytes())
    damaged[5000:5100] = bytes(100)
    (tmp_path / "body.npz").write_bytes(damaged)
    with pytest.raises(BodyError, match=r"the field (is truncated|.* or is broken) \(.*field '\w+'\)"):
        load_body(tmp_path / "body.npz")


def test_a_body_that_is_not_there_says_so(tmp_path):
    with pytest.raises(BodyError, match="cannot read the body: No such file"):
        load_body(tmp_path / "body.npz")
