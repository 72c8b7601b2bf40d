"""How well the detector and the fit after it find poses that are known, as a table.

A picture is rendered, the detector's process is asked who is in it, and a body of mean shape is fitted to
each person, as *Match* does: through a lens of 50 mm, since nothing tells the picture's own. Unless a column
says that it is of all joints, it is of the twelve of the limbs.
"""

from pathlib import Path

import numpy as np

from isa_engine.body import open_body
from isa_engine.body.fitting.fitting import Fit, fit_pose, settled
from isa_engine.body.fitting.keypoints import BODY_JOINTS, KEYPOINTS
from isa_engine.body.fitting.landmarks import Sighting
from isa_engine.body.model.skeleton import SMPLX_JOINTS
from isa_engine.data.recordings.media import encode_picture
from isa_engine.detection.detector import Detector
from isa_engine.errors import BodyError
from isa_engine.evaluation.detection.posed_pictures import SCENES, Known, Photographer
from isa_engine.evaluation.reporting.progress import Report
from isa_engine.evaluation.reporting.table import NOTHING, Cell, Row, Table, cell_of
from isa_engine.geometry.ndc import to_pixels

SIZE = (720, 720)
# Intrinsics of a 50 mm lens on a sensor 36 mm wide, which the add-on assumes too.
GUESS = np.array([1, SIZE[0] / SIZE[1], 0, 0]) * [100 / 36, 100 / 36, 1, 1]
_LIMBS = [SMPLX_JOINTS.index(name) for name in KEYPOINTS[5:]]
_HIPS = [SMPLX_JOINTS.index("left_hip"), SMPLX_JOINTS.index("right_hip")]
# Somebody counts as found if the joints of the limbs are no more than so many pixels off on average.
_FOUND = 80.0
_COLUMNS = (
    "picture",
    "people found",
    "detected, pixels",
    "fitted, pixels",
    "detected, mm",
    "fitted, mm",
    "fitted, all 22 joints, mm",
    "fingers, mm",
)


def detection(seed: int, report: Report, out: Path) -> Table:
    """Measure on every scene of ``posed_pictures``.

    Args:
        seed: of the first picture; the others' follow.
        out: folder that gets the pictures.

    Raises:
        EngineError: no detector is installed.
    """
    photographer, rows, everybody = Photographer(), [], []
    for number, scene in enumerate(SCENES):
        video = photographer.film(scene, 100 * seed + number, SIZE)
        encoded = encode_picture(video.pixels[0])
        (out / f"{number:02} {scene.name}.png").write_bytes(encoded)
        seen = Detector().picture(encoded, scene.name)
        measured = [_measured(known, seen, video.intrinsics) for known in video.people]
        found = [errors for errors in measured if errors is not None]
        rows.append(_row(scene.name, len(found), len(measured), len(seen), found))
        everybody += found
        report("pictures", number + 1, len(SCENES))
    people = sum(len(scene.poses) for scene in SCENES)
    rows.append(_row("all", len(everybody), people, None, everybody))
    return Table("Poses from pictures", _COLUMNS, tuple(rows), _NOTES)


_NOTES = (
    f"Pictures of {SIZE[0]} × {SIZE[1]} pixels. Who stands is 500 pixels tall, but 250 in *two, small*.",
    "Errors are means over joints: in the picture, and in space with the hips' middles (of all 22 joints: "
    "the pelvises) on one another and nothing scaled or turned. What is detected are MediaPipe's numbers.",
)


def pixels(joints: np.ndarray, intrinsics: np.ndarray, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Joints ``(..., 3)`` in the camera's view to places ``(..., 2)`` in the picture, pixels."""
    fx, fy, cx, cy = intrinsics
    depth = -joints[..., 2]
    ndc = np.stack([fx * joints[..., 0] / depth + cx, fy * joints[..., 1] / depth + cy], -1)
    return to_pixels(ndc, size)


def _measured(known: Known, seen: list[Sighting], intrinsics: np.ndarray) -> dict[str, float | None] | None:
    """Errors of one person; None where nobody was found there."""
    joints = known.joints[0]
    truth = pixels(joints[_LIMBS], intrinsics)
    off = [np.linalg.norm(one.places[5 : len(KEYPOINTS)] - truth, axis=1).mean() for one in seen]
    if not off or min(off) > _FOUND:
        return None
    found = seen[int(np.argmin(off))]
    limbs = joints[_LIMBS] - joints[_HIPS].mean(0)
    shape = found.shape[5 : len(KEYPOINTS)] - found.shape[11:13].mean(0)
    errors: dict[str, float | None] = {"pixels": min(off), "mm": 1e3 * _mean(shape - limbs)}
    body = open_body()
    try:
        mended = settled(body.joints(), found, SIZE, GUESS)
        fit = fit_pose(body.joints(), mended.marks(), SIZE, GUESS, mended)
    except BodyError:
        return errors
    return errors | _of_fit(fit, found, joints, truth, limbs)


def _of_fit(
    fit: Fit, found: Sighting, joints: np.ndarray, truth: np.ndarray, limbs: np.ndarray
) -> dict[str, float | None]:
    _, posed = open_body().pose(rotations=fit.rotations, translation=fit.translation, vertices=[0])
    body = slice(0, BODY_JOINTS)
    fingers = []
    for side, hand in enumerate(found.hands):
        if hand is not None:
            wrist, own = 20 + side, slice(25 + 15 * side, 40 + 15 * side)
            fingers.append(1e3 * _mean((posed[own] - posed[wrist]) - (joints[own] - joints[wrist])))
    return {
        "fitted pixels": _mean(pixels(posed[_LIMBS], GUESS) - truth),
        "fitted mm": 1e3 * _mean(posed[_LIMBS] - posed[_HIPS].mean(0) - limbs),
        "body mm": 1e3 * _mean((posed[body] - posed[0]) - (joints[body] - joints[0])),
        "fingers mm": float(np.mean(fingers)) if fingers else None,
    }


def _mean(off: np.ndarray) -> float:
    return float(np.linalg.norm(off, axis=-1).mean())


def _row(name: str, found: int, there: int, seen: int | None, errors: list[dict[str, float | None]]) -> Row:
    more = f", and {seen - found} more" if seen is not None and seen > found else ""
    keys = ("pixels", "fitted pixels", "mm", "fitted mm", "body mm", "fingers mm")
    cells: list[Cell] = [f"{found} of {there}{more}"]
    for key in keys:
        values = [one.get(key) for one in errors]
        cells.append(cell_of(values) if values else NOTHING)
    return Row(name, tuple(cells))
