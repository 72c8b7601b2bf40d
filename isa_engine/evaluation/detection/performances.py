"""How well people in videos are followed and posed, on rendered videos whose motion is known, as a table."""

from pathlib import Path

import numpy as np

from isa_engine.body import open_body
from isa_engine.body.fitting.keypoints import BODY_JOINTS
from isa_engine.body.model.rotation import matrices
from isa_engine.data.recordings.media import encode_video
from isa_engine.detection.detector import Detector
from isa_engine.detection.feet import posed
from isa_engine.detection.performance import Performance, guessed_intrinsics, performances
from isa_engine.evaluation.detection.posed_pictures import FPS, Known, Photographer, Pose, Scene
from isa_engine.evaluation.detection.poses import pixels
from isa_engine.evaluation.reporting.progress import Report
from isa_engine.evaluation.reporting.table import NOTHING, Cell, Row, Table

SIZE, FRAMES = (640, 480), 60
_QUANTISER = 18
VIDEOS = (
    Scene("walking past", (Pose("walk", 0.05, 70, (-1.2, 0)),), fill=0.6, lens=30.0),
    Scene("boxing", (Pose("punch", 0.3, 30),), fill=0.75, lens=35.0),
    Scene("jumping", (Pose("jump", 0.2, -40),), fill=0.6, lens=28.0),
)
# Metres a second below which a foot counts as standing.
_STANDS = 0.2
_FEET = [10, 11]
_COLUMNS = (
    "video",
    "frames followed",
    "pixels",
    "mm",
    "way of the pelvis, cm",
    "trembling, m/s²",
    "standing feet slide, cm/s",
)
_NOTES = (
    f"{FRAMES} frames of {SIZE[0]} × {SIZE[1]} at {FPS:.0f} a second, people about 300 pixels tall; the walk "
    "is of the motions that the pose prior was made of. Pixels and mm are means over 22 joints, mm with the "
    "pelvises on one another. The pelvis's way is told from its mean place: the lens is guessed, and with it "
    "how far away everybody is. Trembling is the error of the joints' acceleration; in brackets, how fast "
    "the feet of the truth slide.",
)


def detection_in_motion(seed: int, report: Report, out: Path) -> Table:
    """Measure on every video.

    Args:
        seed: of the first video; the others' follow.
        out: folder that gets the videos.

    Raises:
        EngineError: no detector is installed.
    """
    photographer, rows = Photographer(), []
    for number, scene in enumerate(VIDEOS):
        video = photographer.film(scene, 900 + 100 * seed + number, SIZE, FRAMES)
        encoded = encode_video(video.pixels, FPS, _QUANTISER)
        (out / f"{scene.name}.mp4").write_bytes(encoded)
        people = performances(Detector().video(encoded, scene.name), open_body())
        rows.append(
            _row(scene.name, people[0], video.people[0], video.intrinsics) if people else _nobody(scene)
        )
        report("videos", number + 1, len(VIDEOS))
    return Table("People in videos", _COLUMNS, tuple(rows), _NOTES)


def _nobody(scene: Scene) -> Row:
    return Row(scene.name, (f"0 of {FRAMES}", *[NOTHING] * (len(_COLUMNS) - 2)))


def _row(name: str, found: Performance, known: Known, intrinsics: np.ndarray) -> Row:
    truth = known.joints[found.frames]
    rest = open_body().joints().astype(np.float64)
    _, joints = posed(matrices(found.rotations), found.pelvis, rest)
    body = slice(0, BODY_JOINTS)
    seen, shown = (
        pixels(where[:, body], lens, SIZE)
        for where, lens in ((joints, guessed_intrinsics(SIZE)), (truth, intrinsics))
    )
    about = [where[:, body] - where[:, :1] for where in (joints, truth)]
    next_frames = np.diff(found.frames) == 1
    steady = next_frames[1:] & next_frames[:-1]
    shake = [np.diff(where, 2, axis=0)[steady] * FPS**2 for where in about]
    way = [where[:, 0] - where[:, 0].mean(0) for where in (joints, truth)]
    slide, true_slide = (
        np.linalg.norm(np.diff(where[:, _FEET], axis=0), axis=-1)[next_frames] * FPS
        for where in (joints, truth)
    )
    still = true_slide < _STANDS
    sliding: Cell = (
        f"{100 * slide[still].mean():.1f} ({100 * true_slide[still].mean():.1f})" if still.any() else NOTHING
    )
    return Row(
        name,
        (
            f"{len(found.frames)} of {FRAMES}",
            _mean(seen - shown),
            1e3 * _mean(about[0] - about[1]),
            100 * _mean(way[0] - way[1]),
            _mean(shake[0] - shake[1]),
            sliding,
        ),
    )


def _mean(off: np.ndarray) -> float:
    return float(np.linalg.norm(off, axis=-1).mean())
