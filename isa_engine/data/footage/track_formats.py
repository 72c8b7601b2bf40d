"""Tracks from the files of body trackers; one reader a format, chosen by the name in a video's folder.

Only numbers are read: ``.npz`` without objects, and JSON. Trackers that write pickles are refused with the
remedy; ``docs/dataset.md`` has the line that converts each, to be run where the tracker runs.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from isa_engine.body import open_body
from isa_engine.body.model.axes import TO_WORLD
from isa_engine.body.model.npz_file import NpzFile
from isa_engine.body.model.rotation import axis_angles, matrices
from isa_engine.body.model.skeleton import SMPLX_PARTS
from isa_engine.body.motions.motion_npz import read_motion
from isa_engine.data.footage.detected import DETECTED, read_detected
from isa_engine.data.footage.linking import linked
from isa_engine.data.footage.tracks import (
    BAD_TRACK,
    REMEDY,
    REST_PELVIS,
    Lens,
    Track,
    centred_lens,
    each_person,
)
from isa_engine.data.recordings.unfit import Unfit
from isa_engine.errors import BodyError

OTHER_LENGTH, PICKLE = "track of another length", "track is a pickle"
_PICKLES = (".pkl", ".pickle", ".pt", ".pth", ".joblib")
_MAX_JSON = 2**26
# An hour of video.
_MOST_FRAMES = 100_000
# PHALP renders at this size with this focal length.
_PHALP_SIDE, _PHALP_FOCAL = 256, 5000.0


def read_tracks(
    folder: Path, size: tuple[int, int], frames: int | None, fps: float, tracker: str = ""
) -> tuple[str, list[Track]]:
    """Whose files they are, and everybody who was tracked in a video.

    Args:
        folder: beside the video, of its name; with a tracker, its own file or folder, whatever its name.
        size: ``(height, width)`` of the video in pixels.
        frames, fps: of the video; None: it may be of any length.
        tracker: of ``TRACKERS``; empty: whose files are there.

    Raises:
        Unfit: there is no track, it is broken or a pickle, or it does not fit the video's length.
    """
    for name, reader in _READERS.items():
        path = folder if tracker else folder / name
        if tracker in ("", Path(name).stem) and path.exists() and path.suffix.lower() not in _PICKLES:
            try:
                tracks = reader(path, size, frames, fps)
            except BodyError as error:
                raise Unfit(BAD_TRACK, str(error)) from error
            return Path(name).stem, [_checked(track, frames) for track in tracks]
    files = sorted(folder.glob("*")) if folder.is_dir() else [folder]
    if pickles := [path.name for path in files if path.suffix.lower() in _PICKLES]:
        remedy = "A pickle can run any program. Convert it as docs/dataset.md shows."
        raise Unfit(PICKLE, pickles[0], remedy=remedy)
    raise Unfit("no track", f"none of {', '.join(_READERS)} is in {folder.name}/")


def _smpler_x(path: Path, size: tuple[int, int], frames: int | None, fps: float) -> list[Track]:
    """``smplx/{frame}_{detection}.npz`` beside ``meta/{frame}_{detection}.json``; its frames are counted from
    one, and a frame's detections in the order of their scores (SMPLer-X, ``main/inference.py``). Fingers are
    relative to SMPL-X's relaxed hand, as ``smplx`` has them by default (``common/utils/human_models.py``)."""
    rows = []
    for file in sorted(path.glob("*.npz")):
        name = re.fullmatch(r"(\d+)_(\w+)", file.stem)
        if not name:
            raise BodyError(f"'{file.name}' is not FRAME_ID.npz", where=str(path), remedy=REMEDY)
        meta = _json(path.with_name("meta") / f"{file.stem}.json")
        with NpzFile(file, "track", REMEDY) as npz:
            pose = [_vectors(npz, part, count) for part, count in SMPLX_PARTS.items()]
            row = (
                int(name[1]),
                np.concatenate(pose),
                npz.numbers("transl", None, np.float64).reshape(-1)[:3] + REST_PELVIS["smplx"],
                npz.numbers("betas", None, np.float64).reshape(-1)[:16],
                _pair(meta, "focal", file),
                _pair(meta, "princpt", file),
            )
        rows.append(row)
    if not rows:
        return []
    number, pose, pelvis, betas, focal, principal = (np.stack(column) for column in zip(*rows, strict=True))
    depth = pelvis[:, 2:].clip(1e-3)
    people = linked(number, focal * pelvis[:, :2] / depth + principal, (focal / depth).mean(1))
    number -= 0 if (number == 0).any() else 1
    tracks = []
    for person in np.unique(people):
        own = people == person
        lens = Lens(focal[own], principal[own])
        shape = np.median(betas[own], 0)
        tracks.append(Track(str(person), number[own], pose[own], pelvis[own], shape, lens, relaxed=True))
    return tracks


def _gvhmr(path: Path, size: tuple[int, int], frames: int | None, fps: float) -> list[Track]:
    """``smpl_params_incam`` and ``K_fullimg``: one person in every frame, SMPL-X (GVHMR,
    ``hmr4d/model/gvhmr/gvhmr_pl_demo.py``)."""
    with NpzFile(path, "track", REMEDY) as npz:
        count = len(npz.numbers("global_orient", (None, 3), np.float64))
        if frames not in (None, count):
            raise Unfit(OTHER_LENGTH, f"{count} frames where the video has {frames}")
        rotations = np.zeros((count, 55, 3))
        rotations[:, 0] = npz.numbers("global_orient", (count, 3), np.float64)
        rotations[:, 1:22] = npz.numbers("body_pose", (count, 63), np.float64).reshape(count, 21, 3)
        camera = npz.numbers("K_fullimg", (count, 3, 3), np.float64)
        pelvis = npz.numbers("transl", (count, 3), np.float64) + REST_PELVIS["smplx"]
        betas = np.median(npz.numbers("betas", (count, None), np.float64), 0)
    lens = Lens(camera[:, [0, 1], [0, 1]], camera[:, :2, 2])
    return [Track("0", np.arange(count), rotations, pelvis, betas, lens)]


def _wham(path: Path, size: tuple[int, int], frames: int | None, fps: float) -> list[Track]:
    """A row for each person and frame: ``id``, ``frame_ids``, ``pose`` (72), ``trans``; SMPL in the camera,
    whose focal length is the picture's diagonal (WHAM, ``demo.py``, ``lib/models/smpl.py``)."""
    with NpzFile(path, "track", REMEDY) as npz:
        person, number = _rows(npz, "frame_ids")
        count = len(number)
        pose = npz.numbers("pose", (count, 72), np.float64).reshape(count, 24, 3)
        pelvis = npz.numbers("trans", (count, 3), np.float64) + REST_PELVIS["smpl"]
    return each_person(person, number, _from_smpl(pose), pelvis, centred_lens(size, np.hypot(*size), count))


def _phalp(path: Path, size: tuple[int, int], frames: int | None, fps: float) -> list[Track]:
    """A row for each person and frame: ``id``, ``frame``, rotation matrices ``global_orient`` and
    ``body_pose`` (23), ``camera``; SMPL before a camera of a square picture that the video is centred in
    (PHALP, ``phalp/trackers/PHALP.py``, ``phalp/models/hmar/hmar.py``)."""
    with NpzFile(path, "track", REMEDY) as npz:
        person, number = _rows(npz, "frame")
        count = len(number)
        orientation = npz.numbers("global_orient", None, np.float64).reshape(count, -1, 3, 3)
        body = npz.numbers("body_pose", (count, 23, 3, 3), np.float64)
        pose = axis_angles(np.concatenate([orientation[:, :1], body], 1))
        pelvis = npz.numbers("camera", (count, 3), np.float64) + REST_PELVIS["smpl"]
    lens = centred_lens(size, _PHALP_FOCAL * max(size) / _PHALP_SIDE, count)
    return each_person(person, number, _from_smpl(pose), pelvis, lens)


def _amass(path: Path, size: tuple[int, int], frames: int | None, fps: float) -> list[Track]:
    """A file for each person, in a world that ``camera.json`` films."""
    tracks = []
    for file in sorted(path.glob("*.npz")):
        with NpzFile(file, "track", REMEDY) as npz:
            of_smplx = "poses" not in npz or npz.numbers("poses", (None, None), np.float64).shape[1] == 165
        rest = REST_PELVIS["smplx" if of_smplx else "smpl"]
        # Its translations are relative to the pelvis of the body that they were captured with.
        body = open_body()
        body = replace(body, v_template=body.v_template + (rest - body.joints()[0]).astype(np.float32))
        motion = read_motion(file, body).resampled(fps)
        count = len(motion.rotations)
        if frames is not None:
            if abs(count - frames) > 1:
                raise Unfit(OTHER_LENGTH, f"{file.name} lasts {count} frames and the video {frames}")
            count = min(count, frames)
        rotations = motion.rotations[:count].astype(np.float64)
        rotations[:, 0] = axis_angles(TO_WORLD @ matrices(rotations[:, 0]))
        pelvis = (motion.translation[:count] + rest) @ TO_WORLD.T
        tracks.append(Track(file.stem, np.arange(count), rotations, pelvis, motion.betas, None))
    return tracks


def _easymocap(path: Path, size: tuple[int, int], frames: int | None, fps: float) -> list[Track]:
    """``{frame}.json``, a list of people with ``id``, ``Rh``, ``Th``, ``poses``, and ``expression`` if they
    are of SMPL-X, in a world that ``camera.json`` films. ``Rh`` turns the posed body about the origin, not
    about its pelvis (EasyMocap, ``doc/02_output.md``). ``poses`` begins with a root at rest (72, 78 or 87
    numbers); newer releases leave it out, and write hands apart (``easymocap/bodymodel``)."""
    rows = defaultdict(list)
    for file in sorted(path.glob("*.json")):
        people = _json(file)
        people = people.get("annots") if isinstance(people, dict) else people
        if not file.stem.isdigit() or not isinstance(people, list):
            raise BodyError("the file is no list of people in a frame", where=str(file), remedy=REMEDY)
        for person in people:
            turn = matrices(_numbers(person, "Rh", file, 3))
            poses = _numbers(person, "poses", file, None)
            if "handl" in person or len(poses) in (63, 69):
                poses = np.concatenate([np.zeros(3), poses])
            if len(poses) < 66:
                raise BodyError(f"{len(poses)} numbers are no pose", where=f"{file}, 'poses'", remedy=REMEDY)
            pose = np.zeros((55, 3))
            pose[:22] = poses[:66].reshape(22, 3)
            pose[0] = axis_angles(turn @ matrices(pose[0]))
            rest = REST_PELVIS["smplx" if "expression" in person else "smpl"]
            pelvis = turn @ rest + _numbers(person, "Th", file, 3)
            rows[str(person.get("id"))].append((int(file.stem), pose, pelvis))
    tracks = []
    for person, observed in sorted(rows.items()):
        number, pose, pelvis = (np.stack(column) for column in zip(*observed, strict=True))
        tracks.append(Track(person, number, pose, pelvis, np.zeros(0), None))
    return tracks


_READERS: dict[str, Callable[[Path, tuple[int, int], int | None, float], list[Track]]] = {
    "smplx": _smpler_x,
    "gvhmr.npz": _gvhmr,
    "wham.npz": _wham,
    "phalp.npz": _phalp,
    "amass": _amass,
    "easymocap": _easymocap,
    DETECTED: read_detected,
}
TRACKERS = tuple(Path(name).stem for name in _READERS)


def _checked(track: Track, frames: int | None) -> Track:
    frames = _MOST_FRAMES if frames is None else frames
    if len(track.frames) == 0 or not 0 <= track.frames.min() <= track.frames.max() < frames:
        last = int(track.frames.max()) if len(track.frames) else "nothing"
        raise Unfit(OTHER_LENGTH, f"it goes on to frame {last} of {frames}")
    if (np.diff(track.frames) <= 0).any():
        raise Unfit(BAD_TRACK, f"somebody ({track.person}) is twice in a frame")
    if track.lens is not None and (track.pelvis[:, 2].min() <= 0 or track.lens.focal.min() <= 0):
        raise Unfit(BAD_TRACK, f"somebody ({track.person}) is behind the camera")
    return track


def _rows(npz: NpzFile, frame: str) -> tuple[np.ndarray, np.ndarray]:
    number = npz.numbers(frame, (None,), np.int64)
    return npz.numbers("id", (len(number),), np.int64), number


def _from_smpl(pose: np.ndarray) -> np.ndarray:
    """SMPL's ``(M, 24, 3)`` to ``(M, 55, 3)``: the body's 22 joints are the same, its two hands have none."""
    rotations = np.zeros((len(pose), 55, 3))
    rotations[:, :22] = pose[:, :22]
    return rotations


def _vectors(npz: NpzFile, name: str, count: int) -> np.ndarray:
    vectors = npz.numbers(name, None, np.float64)
    if vectors.size != 3 * count:
        raise BodyError(
            f"shape {vectors.shape} does not fit", where=f"{npz.where}, field '{name}'", remedy=REMEDY
        )
    return vectors.reshape(count, 3)


def _json(path: Path) -> Any:
    try:
        if path.stat().st_size > _MAX_JSON:
            raise BodyError("the file is too long", where=str(path), remedy=REMEDY)
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise BodyError("the file is missing or no JSON", where=str(path), remedy=REMEDY) from error


def _pair(meta: Any, name: str, file: Path) -> np.ndarray:
    return _numbers(meta, name, file, 2)


def _numbers(entry: Any, name: str, file: Path, count: int | None) -> np.ndarray:
    """A list of numbers in JSON, nested or not; where ``count`` is given, so many."""
    where = f"{file}, '{name}'"
    try:
        numbers = np.asarray(entry[name], np.float64).reshape(-1)
    except (TypeError, KeyError, ValueError, IndexError) as error:
        raise BodyError("the numbers are missing", where=where, remedy=REMEDY) from error
    if not np.isfinite(numbers).all() or count not in (None, len(numbers)):
        raise BodyError(
            f"{len(numbers)} numbers are too many or too few, or some are not finite",
            where=where,
            remedy=REMEDY,
        )
    return numbers
