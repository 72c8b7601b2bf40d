"""Motion in ``.npz``: AMASS's layout for SMPL-X and SMPL-H, SMPL-X's named parts, and our own writing.

AMASS: ``poses (F, 165)`` or ``(F, 156)``, ``trans (F, 3)``, ``betas``, ``gender``, ``mocap_frame_rate`` or
``mocap_framerate``. Parts, as ``smplx.create`` names its arguments: ``global_orient``, ``body_pose``,
``transl`` and optionally hands, jaw, eyes and ``betas``.

AMASS's world is Z up, with bodies that are Y up at rest; other programs write the same fields for a world
that is Y up, or a camera's, whose Y is down. Our own files say which in ``up_axis``, and AMASS's own are
known by fields that nobody else writes. Where a file has neither, up is where the heads point on average.
Files of parts are Y up, unless their heads plainly point elsewhere.
"""

import os
from pathlib import Path

import numpy as np

from isa_engine.body.model.axes import TO_WORLD
from isa_engine.body.model.body_model import BodyModel
from isa_engine.body.model.npz_file import NpzFile
from isa_engine.body.model.rotation import axis_angles, matrices
from isa_engine.body.model.skeleton import SMPLX_PARTS
from isa_engine.body.motions.motion import Motion
from isa_engine.errors import BodyError

_SMPLX_COLUMNS, _SMPLH_COLUMNS = 165, 156
# Fields that only AMASS's releases hold: what the capture was fitted to, and how.
_AMASS_FIELDS = (
    "surface_model_type",
    "dmpls",
    "marker_data",
    "markers_latent",
    "markers",
    "mocap_time_length",
)
# From a file's world to Y up, by what is up there.
_TO_Y_UP = {"Y": np.eye(3), "Z": TO_WORLD.T, "-Y": np.diag([1.0, -1.0, -1.0])}
# Cosine of the angle from an axis within which heads plainly point along it.
_PLAINLY = 0.7
_RATES = ("mocap_frame_rate", "mocap_framerate", "fps")
_REMEDY = "Choose a motion of SMPL-X or AMASS."


def write_motion(motion: Motion, path: str | os.PathLike) -> None:
    """Write a motion in AMASS's layout with ``up_axis`` Y; rotations are in half precision, to 0.05°.

    Raises:
        BodyError: the place cannot be written.
    """
    frames = len(motion.rotations)
    try:
        np.savez_compressed(
            path,
            poses=motion.rotations.reshape(frames, _SMPLX_COLUMNS).astype(np.float16),
            trans=motion.translation.astype(np.float32),
            betas=motion.betas.astype(np.float32),
            gender=np.array(motion.gender),
            mocap_frame_rate=np.array(motion.fps, np.float64),
            up_axis=np.array("Y"),
        )
    except OSError as error:
        raise BodyError(f"cannot write the motion: {error.strerror}", where=str(path)) from error


def read_motion(path: str | os.PathLike, body: BodyModel) -> Motion:
    """Read a motion in any of these layouts.

    Args:
        body: whose pelvis translations turn about, where another world is turned to Y up.

    Raises:
        BodyError: names what is missing, truncated, not finite or of another kind.
    """
    with NpzFile(path, "motion", _REMEDY) as file:
        if "poses" in file:
            rotations, translation, of_smplx = _poses(file)
            up = _up_axis(file, rotations[:, 0], plainly=-1.0)
        elif "global_orient" in file and "body_pose" in file:
            rotations, translation = _parts(file)
            of_smplx, up = True, _up_axis(file, rotations[:, 0], plainly=_PLAINLY)
        else:
            problem = "neither 'poses' nor 'global_orient' and 'body_pose' are in the file"
            raise BodyError(problem, where=str(path), remedy=_REMEDY)
        betas = np.zeros(0, np.float32)
        # SMPL-H's shape coefficients belong to another shape space: on SMPL-X they would make somebody else.
        if of_smplx and "betas" in file:
            # Files of parts repeat the shape on every frame: the first row is enough.
            betas = np.atleast_2d(file.numbers("betas", None, np.float32))[0, :16]
        gender = file.text("gender").lower() if "gender" in file else "neutral"
        fps = _rate(file)
    if up != "Y":
        # The pelvis of rest place J is at J + t; turned by C about the origin it is at C·(J + t) = J + t'.
        pelvis, turn = body.joints()[0], _TO_Y_UP[up]
        rotations[:, 0] = axis_angles(turn @ matrices(rotations[:, 0]))
        translation = (pelvis + translation) @ turn.T - pelvis
    return Motion(
        name=Path(path).stem,
        fps=fps,
        rotations=rotations.astype(np.float32),
        translation=translation.astype(np.float32),
        betas=betas,
        gender=gender if gender in ("female", "male") else "neutral",
    )


def _poses(file: NpzFile) -> tuple[np.ndarray, np.ndarray, bool]:
    poses = file.numbers("poses", None, np.float64)
    frames, columns = len(poses), int(np.prod(poses.shape[1:]))
    where = f"{file.where}, field 'poses'"
    if not frames:
        raise BodyError("there are no frames", where=where, remedy=_REMEDY)
    if columns not in (_SMPLX_COLUMNS, _SMPLH_COLUMNS):
        problem = f"{columns} columns, but SMPL-X has {_SMPLX_COLUMNS} and SMPL-H {_SMPLH_COLUMNS}"
        raise BodyError(problem, where=where, remedy=_REMEDY)
    rotations = poses.reshape(frames, -1, 3).copy()
    if columns == _SMPLH_COLUMNS:
        # SMPL-H lacks the jaw and the eyes, which come between body and hands.
        rotations = np.insert(rotations, [22, 22, 22], 0.0, axis=1)
    return rotations, file.numbers("trans", (frames, 3), np.float64), columns == _SMPLX_COLUMNS


def _parts(file: NpzFile) -> tuple[np.ndarray, np.ndarray]:
    """Rotations ``(F, 55, 3)`` and translations ``(F, 3)`` of a file of parts, which come as ``(F, 3·n)`` or
    ``(F, n, 3)``; parts that are not in it are at rest."""
    frames = len(np.atleast_1d(file.numbers("global_orient", None, np.float64)))
    joints = []
    for name, count in SMPLX_PARTS.items():
        part = file.numbers(name, None, np.float64) if name in file else np.zeros((frames, count, 3))
        if part.shape not in ((frames, 3 * count), (frames, count, 3)):
            problem = f"the shape is {part.shape} where ({frames}, {3 * count}) is needed"
            raise BodyError(problem, where=f"{file.where}, field '{name}'", remedy=_REMEDY)
        joints.append(part.reshape(frames, count, 3))
    return np.concatenate(joints, 1), file.numbers("transl", (frames, 3), np.float64)


def _up_axis(file: NpzFile, orientation: np.ndarray, plainly: float) -> str:
    """Which axis is up in a file's world, of those that ``_TO_Y_UP`` knows.

    Args:
        orientation: of the roots, ``(F, 3)``.
        plainly: cosine of the angle from Z within which heads must point for Z to be up.
    """
    if "up_axis" in file:
        return "Z" if file.text("up_axis").upper() == "Z" else "Y"
    if any(name in file for name in _AMASS_FIELDS):
        return "Z"
    _, y, z = matrices(orientation)[:, :, 1].mean(0)
    if y < -_PLAINLY:
        return "-Y"
    return "Z" if z > max(y, plainly) else "Y"


def _rate(file: NpzFile) -> float:
    for name in _RATES:
        if name in file:
            rate = file.numbers(name, None, np.float64)
            if rate.size != 1 or not 0 < rate.item() <= 1000:
                where = f"{file.where}, field '{name}'"
                raise BodyError(f"{rate} is not a frame rate", where=where, remedy=_REMEDY)
            return rate.item()
    raise BodyError("the motion has no frame rate", where=file.where, remedy=f"Add it as '{_RATES[0]}'.")
