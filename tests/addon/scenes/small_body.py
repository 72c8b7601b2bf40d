"""A body of balls in SMPL-X layout: one at each joint, so that a test's rig is built and posed in no time."""

import numpy as np

from isa_engine.body import SMPLX_JOINTS, SMPLX_PARENTS, BodyModel

_RINGS, _SECTORS = 4, 6
# Offsets from the parent, metres, Y up and facing +Z, for the left side and the middle.
_STEPS = {
    "pelvis": (0, 0, 0),
    "hip": (0.07, -0.09, 0),
    "knee": (0.04, -0.38, 0),
    "ankle": (0, -0.40, -0.03),
    "foot": (0.03, -0.06, 0.13),
    "spine": (0, 0.12, 0),
    "neck": (0, 0.2, 0),
    "head": (0, 0.09, 0.03),
    "jaw": (0, -0.01, 0.02),
    "eye": (0.03, 0.05, 0.08),
    "collar": (0.06, 0.12, 0),
    "shoulder": (0.11, 0.03, 0),
    "elbow": (0.26, 0, 0),
    "wrist": (0.25, 0, 0),
    "index": (0.035, 0, 0.02),
    "middle": (0.035, 0, 0),
    "ring": (0.035, 0, -0.015),
    "pinky": (0.035, 0, -0.03),
    "thumb": (0.02, -0.01, 0.03),
}


def small_body(pose_correctives: bool = False) -> BodyModel:
    """55 balls of 26 vertices; two shapes, one expression."""
    joints = np.zeros((55, 3))
    for j, (name, parent) in enumerate(zip(SMPLX_JOINTS, SMPLX_PARENTS, strict=True)):
        step = np.array(next(s for part, s in _STEPS.items() if part in name), float)
        joints[j] = step * [-1 if name.startswith("right") else 1, 1, 1] + (
            joints[parent] if parent >= 0 else 0
        )
    radius = np.where(np.arange(55) < 23, 0.07, 0.015)
    ball, faces = _ball()
    count = len(ball)
    vertices = (joints[:, None] + radius[:, None, None] * ball).reshape(-1, 3)
    weights = np.zeros((55 * count, 55))
    for j, parent in enumerate(SMPLX_PARENTS):
        rows = slice(j * count, (j + 1) * count)
        weights[rows, j] = 1.0 if parent < 0 else 0.75
        if parent >= 0:
            weights[rows, parent] = 0.25
    regressor = np.kron(np.eye(55), np.full(count, 1 / count))
    tall = vertices * [0, 0.05, 0]
    wide = vertices * [0.03, 0, 0.03]
    triangles = np.concatenate([faces + j * count for j in range(55)]).astype(np.int32)
    correctives = np.zeros((len(vertices), 3, 486 if pose_correctives else 0))
    correctives += np.random.default_rng(1).normal(0, 0.002, correctives.shape)
    smile = np.where(weights[:, 22:23] > 0, [0.0, 0.01, 0.0], 0.0)
    return BodyModel(
        v_template=vertices.astype(np.float32),
        faces=triangles,
        shapedirs=np.stack([tall, wide], -1).astype(np.float32),
        exprdirs=smile[..., None].astype(np.float32),
        posedirs=correctives.astype(np.float32),
        joint_regressor=regressor.astype(np.float32),
        parents=np.array(SMPLX_PARENTS),
        weights=weights.astype(np.float32),
        uv=vertices[:, :2].astype(np.float32),
        uv_faces=triangles,
        hands_mean=np.zeros((30, 3), np.float32),
    )


def _ball():
    """A unit sphere of triangles."""
    polar = np.pi * np.arange(1, _RINGS + 1) / (_RINGS + 1)
    turn = 2 * np.pi * np.arange(_SECTORS) / _SECTORS
    rings = np.stack(
        [
            np.outer(np.sin(polar), np.cos(turn)),
            np.repeat(np.cos(polar)[:, None], _SECTORS, 1),
            np.outer(np.sin(polar), np.sin(turn)),
        ],
        -1,
    ).reshape(-1, 3)
    vertices = np.concatenate([rings, [[0, 1, 0], [0, -1, 0]]])
    top, bottom = len(rings), len(rings) + 1
    faces = []
    for s in range(_SECTORS):
        n = (s + 1) % _SECTORS
        faces.append((top, n, s))
        for r in range(_RINGS - 1):
            a, b, c, d = (k * _SECTORS + m for k, m in ((r, s), (r, n), (r + 1, n), (r + 1, s)))
            faces += [(a, b, c), (a, c, d)]
        last = (_RINGS - 1) * _SECTORS
        faces.append((bottom, last + s, last + n))
    return vertices, np.array(faces)
