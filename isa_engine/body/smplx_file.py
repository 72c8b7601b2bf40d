"""Body files: ``SMPLX_*.npz`` in the layout of the SMPL-X release, and the open body bundled in it."""

import os
from functools import cache
from pathlib import Path

import numpy as np

from isa_engine.body.body_model import BodyModel
from isa_engine.body.npz_file import NpzFile
from isa_engine.body.skeleton import SMPLX_JOINTS, SMPLX_PARENTS
from isa_engine.errors import BodyError

OPEN_BODY = Path(__file__).with_name("open_body.npz")

_JOINTS = len(SMPLX_JOINTS)
_CORRECTIVES = 9 * (_JOINTS - 1)
# The release's 400 columns are 300 of shape and 100 of expression; shorter files hold 10 of shape first.
_ALL_COLUMNS, _SHAPE_COLUMNS, _SHORT_SHAPE_COLUMNS = 400, 300, 10
_REMEDY = "Choose an SMPL-X body, such as SMPLX_NEUTRAL.npz of the SMPL-X release."


@cache
def open_body() -> BodyModel:
    """The bundled body, made from MakeHuman's CC0 data (``LICENSE-open_body.md``): 10 shape components."""
    return load_body(OPEN_BODY)


def load_body(path: str | os.PathLike) -> BodyModel:
    """Read a body: the bundled one, or the artist's own ``SMPLX_{NEUTRAL,MALE,FEMALE}.npz``.

    Components that are zero at the end of a block are dropped, and so are correctives that are all zero.

    Raises:
        BodyError: the file cannot be read, is not of this layout, or is a pickle.
    """
    if Path(path).suffix.lower() in (".pkl", ".pickle"):
        remedy = "Use the .npz of the same model, or convert it to .npz first."
        raise BodyError("a pickle can run any program, so it is not opened", where=str(path), remedy=remedy)
    with NpzFile(path, "body", _REMEDY) as file:
        template = file.numbers("v_template", (None, 3), np.float32)
        count = len(template)
        directions = file.numbers("shapedirs", (count, 3, None), np.float32)
        split = _SHAPE_COLUMNS if directions.shape[-1] >= _ALL_COLUMNS else _SHORT_SHAPE_COLUMNS
        correctives = file.numbers("posedirs", (count, 3, _CORRECTIVES), np.float32)
        faces = _faces(file, "f", count)
        uv = file.numbers("vt", (None, 2), np.float32) if "vt" in file else np.zeros((0, 2), np.float32)
        return BodyModel(
            v_template=template,
            faces=faces,
            shapedirs=_without_trailing_zeros(directions[..., :split]),
            exprdirs=_without_trailing_zeros(directions[..., split:]),
            posedirs=correctives if correctives.any() else correctives[..., :0].copy(),
            joint_regressor=file.numbers("J_regressor", (_JOINTS, count), np.float32),
            parents=_parents(file),
            weights=file.numbers("weights", (count, _JOINTS), np.float32),
            uv=uv,
            uv_faces=_faces(file, "ft", len(uv)) if len(uv) else np.zeros((0, 3), np.int32),
            hands_mean=np.concatenate(
                [file.numbers(f"hands_mean{side}", (45,), np.float32).reshape(15, 3) for side in "lr"]
            ),
        )


def _faces(file: NpzFile, name: str, size: int) -> np.ndarray:
    faces = file.numbers(name, (None, 3), np.int64)
    if faces.size and not 0 <= faces.min() <= faces.max() < size:
        where = f"{file.where}, field '{name}'"
        raise BodyError("it points beyond the vertices", where=where, remedy=_REMEDY)
    return faces.astype(np.int32)


def _parents(file: NpzFile) -> np.ndarray:
    """Row 0 of the tree. The root's parent varies: −1, or 2³²−1 where that was stored unsigned."""
    parents = file.numbers("kintree_table", (2, _JOINTS), np.int64)[0]
    if not np.array_equal(parents[1:], SMPLX_PARENTS[1:]):
        where = f"{file.where}, field 'kintree_table'"
        raise BodyError("its joints are not SMPL-X's 55", where=where, remedy=_REMEDY)
    return np.array(SMPLX_PARENTS, np.int64)


def _without_trailing_zeros(directions: np.ndarray) -> np.ndarray:
    used = np.flatnonzero(directions.any((0, 1)))
    return np.ascontiguousarray(directions[..., : used[-1] + 1 if used.size else 0])
