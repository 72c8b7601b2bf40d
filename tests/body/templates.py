"""Small files of each surface template's layout: a skin of a few hundred vertices about its own joints."""

import numpy as np

from isa_engine.body.model.skeleton import TREES
from tests.geometry.meshes import ellipsoid

# Another skinned mesh: four legs and a tail on a trunk.
QUADRUPED = (-1, 0, 1, 1, 1, 0, 0, 0, 7)
LAYOUTS = {**TREES, "quadruped": QUADRUPED}
# As the releases have them; FLAME's and SMPL-X's last hundred are expressions.
COLUMNS = {"SMPL": 10, "SMPL-H": 16, "SMPL-X": 400, "FLAME": 400}
EXPRESSIVE = ("SMPL-X", "FLAME")


def template_fields(layout: str, seed: int = 0) -> dict[str, np.ndarray]:
    """All fields that the layout has; each joint carries the skin that is nearest to it.

    The skin is a spindle, 1.6 m tall, or a head's size for FLAME.
    """
    random, tree = np.random.default_rng(seed), np.array(LAYOUTS[layout])
    scale = 0.15 if layout == "FLAME" else 0.8
    vertices, faces = ellipsoid((0.4 * scale, scale, 0.3 * scale), around=12, along=16)
    nearest = np.abs(vertices[:, 1:2] - np.linspace(-scale, scale, len(tree)))
    weights = np.exp(-((nearest / (0.3 * scale)) ** 2)) + 1e-6
    weights /= weights.sum(1, keepdims=True)
    fields = {
        "v_template": vertices,
        "f": faces.astype(np.uint32),
        "J_regressor": (weights / weights.sum(0)).T,
        "kintree_table": np.stack([tree % 2**32, np.arange(len(tree))]).astype(np.uint32),
        "weights": weights,
    }
    if layout in TREES:
        fields["shapedirs"] = 0.02 * scale * random.standard_normal((len(vertices), 3, COLUMNS[layout]))
        fields["posedirs"] = 1e-3 * random.standard_normal((len(vertices), 3, 9 * (len(tree) - 1)))
    if layout in ("SMPL-X", "SMPL-H"):
        fields |= {f"hands_mean{side}": random.normal(size=45) for side in "lr"}
    return fields


def write_template(folder, layout: str):
    """The file, as ``LAYOUT.npz``."""
    path = folder / f"{layout}.npz"
    np.savez(path, **template_fields(layout))
    return path
