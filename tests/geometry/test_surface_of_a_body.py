"""The surface points of a person: a coarse body with the same silhouette, at rest and in motion."""

import numpy as np
import pytest

from isa_engine.body import SMPLX_JOINTS, open_body
from isa_engine.geometry.surface import surface_table
from tests.geometry.meshes import normals, silhouette

BODY = open_body()
TABLE = surface_table(BODY.v_template, BODY.faces)


def walking() -> np.ndarray:
    """Vertices with the arms down and one leg before the other."""
    rotations = np.zeros((55, 3))
    turns = {"left_shoulder": (0, 0, -1.2), "right_shoulder": (0, 0, 1.2), "left_hip": (-0.6, 0, 0)}
    for joint, turn in (turns | {"right_hip": (0.4, 0, 0), "left_knee": (0.7, 0, 0)}).items():
        rotations[SMPLX_JOINTS.index(joint)] = turn
    vertices, _ = BODY.pose(np.zeros(10), np.zeros(10), rotations, np.zeros(3))
    return vertices


POSES = {"at rest": BODY.v_template, "walking": walking()}


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("pose", POSES)
def test_the_shells_silhouette_is_the_bodys(pose, axis):
    vertices = POSES[pose]
    box = np.array([vertices.min(0) - 0.05, vertices.max(0) + 0.05])
    shell = silhouette(TABLE.points(vertices), TABLE.triangles, axis, box)
    body = silhouette(vertices, BODY.faces, axis, box)
    assert (shell & body).sum() > 0.9 * (shell | body).sum()


def test_the_shell_is_wound_as_the_skin():
    skin = np.zeros_like(BODY.v_template, dtype=float)
    for corner in range(3):
        np.add.at(skin, BODY.faces[:, corner], normals(BODY.v_template, BODY.faces))
    points = TABLE.points(BODY.v_template)
    outward = skin[TABLE.corners].sum(1)[TABLE.triangles].sum(1)
    assert ((normals(points, TABLE.triangles) * outward).sum(1) > 0).mean() > 0.98


def test_the_shell_bridges_no_gap_between_limbs():
    points = TABLE.points(POSES["walking"])
    rest = TABLE.points(POSES["at rest"])
    edges = TABLE.triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    long = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1) > 0.2
    assert not long.any()
    assert np.linalg.norm(rest[edges[:, 0]] - rest[edges[:, 1]], axis=1).max() < 0.15
