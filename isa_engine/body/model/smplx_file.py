"""Body files: the ``.npz`` layout of SMPL-X that its family shares, and the open body bundled in it."""

import os
from functools import cache
from pathlib import Path

import numpy as np

from isa_engine.body.model.body_model import BodyModel
from isa_engine.body.model.npz_file import NpzFile
from isa_engine.body.model.skeleton import TREES
from isa_engine.errors import BodyError

OPEN_BODY = Path(__file__).with_name("open_body.npz")

# The releases' 400 columns are 300 of shape and 100 of expression; shorter files hold 10 of shape first.
_ALL_COLUMNS, _SHAPE_COLUMNS, _SHORT_SHAPE_COLUMNS = 400, 300, 10
_WITH_EXPRESSIONS = ("SMPL-X", "FLAME")
_WITH_FINGERS = ("SMPL-X", "SMPL-H")
_REMEDY = "Choose an SMPL-X body, such as SMPLX_NEUTRAL.npz of the SMPL-X release."
_TEMPLATE_REMEDY = "Choose an .npz of SMPL, SMPL-H, SMPL-X or FLAME, or a skinned mesh with the same fields."


@cache
def open_body() -> BodyModel:
    """The bundled body, made from MakeHuman's CC0 data (``LICENSE-open_body.md``): 10 shape components."""
    return load_body(OPEN_BODY)


def load_body(path: str | os.PathLike) -> BodyModel:
    """Read a body that motions can play: the bundled one, or the artist's own
    ``SMPLX_{NEUTRAL,MALE,FEMALE}.npz``.

    Raises:
        BodyError: as ``load_template``, or the file's joints are not SMPL-X's.
    """
    return _load(path, _REMEDY, ("SMPL-X",))


def load_template(path: str | os.PathLike) -> BodyModel:
    """Read any surface template: SMPL, SMPL-H, SMPL-X, FLAME, or another skinned mesh with their fields.

    Another mesh may have any tree of joints, in which each follows its parent; all of its ``shapedirs`` are
    shape, and it may leave them and ``posedirs`` out. Components that are zero at the end of a block are
    dropped, and so are correctives that are all zero.

    Raises:
        BodyError: the file cannot be read, is not of this layout, or is a pickle.
    """
    return _load(path, _TEMPLATE_REMEDY, (*TREES, ""))


def _load(path: str | os.PathLike, remedy: str, layouts: tuple[str, ...]) -> BodyModel:
    """
    Args:
        layouts: accepted ones by name; the empty one is any other tree of joints.
    """
    if Path(path).suffix.lower() in (".pkl", ".pickle"):
        remedy = "Use the .npz of the same model, or convert it to .npz first."
        raise BodyError("a pickle can run any program, so it is not opened", where=str(path), remedy=remedy)
    with NpzFile(path, "body", remedy) as file:
        parents = _parents(file)
        layout = next((name for name, tree in TREES.items() if tree == tuple(parents)), "")
        if layout not in layouts:
            where = f"{file.where}, field 'kintree_table'"
            raise BodyError("the joints are not SMPL-X's 55", where=where, remedy=remedy)
        template = file.numbers("v_template", (None, 3), np.float32)
        count, joints = len(template), len(parents)
        directions = _directions(file, layout, "shapedirs", (count, 3, None))
        correctives = _directions(file, layout, "posedirs", (count, 3, 9 * (joints - 1)))
        split = directions.shape[-1]
        if layout in _WITH_EXPRESSIONS:
            split = _SHAPE_COLUMNS if split >= _ALL_COLUMNS else _SHORT_SHAPE_COLUMNS
        uv = file.numbers("vt", (None, 2), np.float32) if "vt" in file else np.zeros((0, 2), np.float32)
        hands = "lr" if layout in _WITH_FINGERS else ""
        fingers = [file.numbers(f"hands_mean{side}", (45,), np.float32).reshape(15, 3) for side in hands]
        return BodyModel(
            v_template=template,
            faces=_faces(file, "f", count),
            shapedirs=_without_trailing_zeros(directions[..., :split]),
            exprdirs=_without_trailing_zeros(directions[..., split:]),
            posedirs=correctives if correctives.any() else correctives[..., :0].copy(),
            joint_regressor=file.numbers("J_regressor", (joints, count), np.float32),
            parents=parents,
            weights=file.numbers("weights", (count, joints), np.float32),
            uv=uv,
            uv_faces=_faces(file, "ft", len(uv)) if len(uv) else np.zeros((0, 3), np.int32),
            hands_mean=np.concatenate([np.zeros((0, 3), np.float32), *fingers]),
        )


def _faces(file: NpzFile, name: str, size: int) -> np.ndarray:
    faces = file.numbers(name, (None, 3), np.int64)
    if faces.size and not 0 <= faces.min() <= faces.max() < size:
        where = f"{file.where}, field '{name}'"
        raise BodyError("the field points beyond the vertices", where=where, remedy=file.remedy)
    return faces.astype(np.int32)


def _directions(file: NpzFile, layout: str, name: str, shape: tuple[int | None, ...]) -> np.ndarray:
    """Offsets of the vertices; a mesh of no known layout may have none."""
    if not layout and name not in file:
        return np.zeros((shape[0], 3, 0), np.float32)
    return file.numbers(name, shape, np.float32)


def _parents(file: NpzFile) -> np.ndarray:
    """Row 0 of the tree. The root's parent varies: −1, or 2³²−1 where that was stored unsigned."""
    parents = file.numbers("kintree_table", (2, None), np.int64)[0]
    parents[:1] = -1
    follows = (parents[1:] >= 0) & (parents[1:] < np.arange(1, len(parents)))
    if not len(parents) or not follows.all():
        where = f"{file.where}, field 'kintree_table'"
        raise BodyError("a joint does not follow its parent", where=where, remedy=file.remedy)
    return parents


def _without_trailing_zeros(directions: np.ndarray) -> np.ndarray:
    used = np.flatnonzero(directions.any((0, 1)))
    return np.ascontiguousarray(directions[..., : used[-1] + 1 if used.size else 0])
