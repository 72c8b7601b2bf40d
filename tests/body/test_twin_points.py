"""A point's twin is where the body's mirror image has that point, whatever the body does."""

import numpy as np
import pytest

from isa_engine.body import SMPLX_JOINTS, open_body
from isa_engine.body.twin_points import twin_points
from tests.controls.people import person, table

# Of the bundled motions: an elbow at the waist, hands folded about a club, a step of a run, a jump, a turn.
POSES = [("walk", 0), ("swing", 96), ("run", 0), ("jump", 24), ("dance", 90)]


@pytest.fixture(scope="module")
def rest() -> np.ndarray:
    """Of all points in T pose, ``(2048, 3)``: the body's left is where x is positive."""
    return table().points(open_body().v_template).astype(np.float64)


@pytest.fixture(scope="module", params=POSES, ids=[f"{motion} {frame}" for motion, frame in POSES])
def posed(request):
    """Somebody, and the twins of the points."""
    motion, frame = request.param
    somebody = person(motion=motion, frames=(frame,))
    return somebody, twin_points(somebody.points[0].astype(float), somebody.triangles, somebody.skeleton[0])


def carried_by(side: str, *names: str) -> np.ndarray:
    """Which points are carried by a side's joints more than by any other, ``(2048,)``."""
    weights = np.einsum("nck,nc->nk", open_body().weights[table().corners], table().barycentric)
    joints = [
        k for k, joint in enumerate(SMPLX_JOINTS) if joint.startswith(tuple(f"{side}_{n}" for n in names))
    ]
    return np.isin(weights.argmax(1), joints)


def joined(somebody) -> np.ndarray:
    return np.unique(somebody.triangles)


def test_twins_are_where_the_mirror_has_them(posed, rest):
    """As near as points of the coarse table can be, 1 cm on average, but for a few."""
    somebody, twins = posed
    apart = np.linalg.norm(rest[twins] - rest * [-1, 1, 1], axis=1)[joined(somebody)]
    assert np.median(apart) < 0.05
    assert apart.max() < 0.3


def test_a_twins_twin_is_at_home(posed, rest):
    somebody, twins = posed
    apart = np.linalg.norm(rest[twins[twins]] - rest, axis=1)[joined(somebody)]
    assert np.median(apart) < 0.04
    assert np.quantile(apart, 0.9) < 0.2


@pytest.mark.parametrize(("side", "other"), [("left", "right"), ("right", "left")])
@pytest.mark.parametrize(
    "names",
    [("wrist", "index", "middle", "ring", "pinky", "thumb"), ("ankle", "foot"), ("elbow",)],
    ids=["hand", "foot", "forearm"],
)
def test_a_limbs_twin_is_the_other_sides(posed, side, other, names):
    somebody, twins = posed
    limb = np.intersect1d(np.flatnonzero(carried_by(side, *names)), joined(somebody))
    # Of neighbours at a joint, one may be carried by the next bone.
    there = carried_by(other, *names, "shoulder", "elbow", "knee")
    assert len(limb) > 20
    assert there[twins[limb]].mean() > 0.9


def test_fronts_have_no_twins_on_backs(posed, rest):
    """The trunk is two decimetres deep."""
    somebody, twins = posed
    trunk = np.intersect1d(np.flatnonzero(np.abs(rest[:, 0]) < 0.12), joined(somebody))
    trunk = trunk[np.abs(rest[trunk, 1] - open_body().joints()[SMPLX_JOINTS.index("spine2")][1]) < 0.2]
    front = rest[trunk, 2] > np.median(rest[trunk, 2])
    assert ((rest[twins[trunk], 2] > np.median(rest[trunk, 2])) == front).mean() > 0.85


def test_a_point_that_no_triangle_joins_is_its_own_twin(posed):
    somebody, twins = posed
    alone = np.setdiff1d(np.arange(len(twins)), joined(somebody))
    assert len(alone)
    assert np.array_equal(twins[alone], alone)


def test_a_body_elsewhere_and_turned_has_the_same_twins(posed):
    somebody, twins = posed
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    points = somebody.points[0].astype(float) @ turn + [3.0, -2.0, 5.0]
    found = twin_points(points, somebody.triangles, somebody.skeleton[0] @ turn + [3.0, -2.0, 5.0])
    assert (found == twins).mean() > 0.99


@pytest.mark.parametrize("mark", ["left_wrist", "right_foot"])
def test_where_a_joint_is_not_known_no_twins_are(mark):
    somebody = person(frames=(0,))
    skeleton = somebody.skeleton[0].copy()
    skeleton[SMPLX_JOINTS.index(mark)] = np.nan
    assert twin_points(somebody.points[0], somebody.triangles, skeleton) is None


def test_points_that_nothing_joins_have_no_twins():
    somebody = person(frames=(0,))
    assert twin_points(somebody.points[0], somebody.triangles[:0], somebody.skeleton[0]) is None


def test_where_joints_are_those_of_other_places_no_twins_are():
    """A skeleton that is not of this skin tells nothing of its sides."""
    somebody = person(frames=(0,))
    places = somebody.points[0, joined(somebody)]
    astray = np.random.default_rng(0).choice(places, len(somebody.skeleton[0]), replace=False)
    assert twin_points(somebody.points[0], somebody.triangles, astray) is None
