"""Made-up files of the SMPL-X layout."""

import numpy as np

from isa_engine.body import SMPLX_JOINTS, SMPLX_PARENTS

# smplx picks landmarks by fixed vertex numbers up to 9929.
VERTICES = 9940


def smplx_fields(columns: int, seed: int = 0) -> dict[str, np.ndarray]:
    """All fields of an SMPL-X file, at random: every term of the model then matters.

    Args:
        columns: of shape and expression together.
    """
    random = np.random.default_rng(seed)
    joints = len(SMPLX_JOINTS)
    weights = random.random((VERTICES, joints)) ** 8
    regressor = np.zeros((joints, VERTICES))
    for row in regressor:
        row[random.choice(VERTICES, 20, replace=False)] = random.dirichlet(np.ones(20))
    tree = np.stack([np.array(SMPLX_PARENTS) % 2**32, np.arange(joints)]).astype(np.uint32)
    return {
        "v_template": random.normal(size=(VERTICES, 3)),
        "f": random.integers(0, VERTICES, (50, 3)).astype(np.uint32),
        "shapedirs": np.float32(0.01) * random.standard_normal((VERTICES, 3, columns), np.float32),
        "posedirs": np.float32(1e-3) * random.standard_normal((VERTICES, 3, 486), np.float32),
        "J_regressor": regressor,
        "kintree_table": tree,
        "weights": weights / weights.sum(1, keepdims=True),
        "hands_meanl": random.normal(size=45),
        "hands_meanr": random.normal(size=45),
        "hands_componentsl": np.eye(45),
        "hands_componentsr": np.eye(45),
        "lmk_faces_idx": np.zeros(51, np.int64),
        "lmk_bary_coords": np.full((51, 3), 1 / 3),
        "dynamic_lmk_faces_idx": np.zeros((79, 17), np.int64),
        "dynamic_lmk_bary_coords": np.full((79, 17, 3), 1 / 3),
    }
