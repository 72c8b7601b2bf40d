"""What is worn over the open body: a skirt, a volume of hair, and teeth, which follow its shape and pose."""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from isa_engine.body.model.body_model import BodyModel
from isa_engine.body.model.npz_file import NpzFile
from isa_engine.body.model.smplx_file import OPEN_BODY, open_body

OPEN_WARDROBE = Path(__file__).with_name("open_wardrobe.npz")
PARTS = ("skirt", "hair", "upper_teeth", "lower_teeth")
# Joints that a vertex hangs on at most.
INFLUENCES = 6


@dataclass(frozen=True)
class DressedBody:
    """A body and what may be worn over it, as one mesh.

    Attributes:
        mesh: the body's vertices and faces first, unchanged; then the wardrobe's.
        part_of_face: ``(F,)`` int64: −1 the body, else an index into ``PARTS``.
    """

    mesh: BodyModel
    part_of_face: np.ndarray


@cache
def expression_names() -> tuple[str, ...]:
    """MakeHuman's face units, in the order of the open body's expression components."""
    with np.load(OPEN_BODY, allow_pickle=False) as file:
        return tuple(str(name) for name in file["expression_names"])


@cache
def dressed_open_body() -> DressedBody:
    """The bundled body with the bundled wardrobe (``LICENSE-open_body.md``)."""
    body = open_body()
    with NpzFile(OPEN_WARDROBE, "wardrobe", "Install the engine again.") as file:
        template = file.numbers("v_template", (None, 3), np.float32)
        count, components = len(template), body.shapedirs.shape[-1]
        shapedirs = file.numbers("shapedirs", (count, 3, components), np.float32)
        faces = file.numbers("f", (None, 3), np.int32)
        part = file.numbers("part", (len(faces),), np.int64)
        joints = file.numbers("joints", (count, INFLUENCES), np.int64)
        shares = file.numbers("weights", (count, INFLUENCES), np.float32)
    weights = np.zeros((count, len(body.parents)), np.float32)
    np.put_along_axis(weights, joints, shares, 1)

    def unmoved(directions: np.ndarray) -> np.ndarray:
        return np.concatenate([directions, np.zeros((count, *directions.shape[1:]), directions.dtype)])

    mesh = replace(
        body,
        v_template=np.concatenate([body.v_template, template]),
        faces=np.concatenate([body.faces, faces + len(body.v_template)]),
        shapedirs=np.concatenate([body.shapedirs, shapedirs]),
        exprdirs=unmoved(body.exprdirs),
        posedirs=unmoved(body.posedirs),
        joint_regressor=np.pad(body.joint_regressor, ((0, 0), (0, count))),
        weights=np.concatenate([body.weights, weights]),
    )
    return DressedBody(mesh, np.concatenate([np.full(len(body.faces), -1), part]))
