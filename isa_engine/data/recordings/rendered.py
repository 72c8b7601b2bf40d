"""Clip folders that Blender has rendered: ``isa_blender_addon.dataset``'s docstring says what is in one."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from isa_engine.data.recordings.media import decode_picture
from isa_engine.data.recordings.members import unpack_arrays
from isa_engine.data.recordings.recording import ARRAYS, MAX_CHARACTERS, MAX_FRAMES, Recording
from isa_engine.data.recordings.report import Report
from isa_engine.data.recordings.unfit import Unfit
from isa_engine.errors import DataError, reason

FORMAT = "isa-rendered 1"
_MAX_FILE = 2**28
_KEPT = tuple(name for name in ARRAYS if name != "mask")


def rendered_folders(folder: Path) -> list[Path]:
    """The whole clips in a folder, by name."""
    return sorted(path.parent for path in folder.glob("*/clip.json") if not path.parent.name.startswith("."))


def rendered_clips(
    folders: list[Path], report: Report, progress: Callable[[int, int], None] = lambda done, clips: None
) -> Iterator[tuple[str, Recording]]:
    """Every clip that is whole, with its key; those that are broken are named in the report.

    Args:
        progress: called with the folders that are done and all of them; raises ``Cancelled`` to stop.
    """
    for done, folder in enumerate(folders):
        report.inputs += 1
        try:
            recording = read_rendered(folder)
        except DataError as error:
            report.skip(folder.name, Unfit("broken clip", str(error)))
        else:
            report.clips += 1
            report.seconds += len(recording.video) / recording.fps
            yield "cycles-" + re.sub(r"[^\w-]", "_", folder.name, flags=re.ASCII), recording
        progress(done + 1, len(folders))


def read_rendered(folder: Path) -> Recording:
    """One clip; ``stored_clips.to_clip`` poses its cast's surface points.

    Raises:
        DataError: names the file that is missing, broken or does not fit the others.
    """
    description = _description(folder / "clip.json")
    shape = description["height"], description["width"]

    def pictures(name: str, digits: int, count: int, mode: str = "RGB") -> np.ndarray:
        return np.stack([_picture(folder / name / f"{i:0{digits}}.png", shape, mode) for i in range(count)])

    frames = description["frames"]
    try:
        return Recording(
            video=pictures("video", 4, frames),
            background=pictures("background", 4, frames),
            mask=pictures("mask", 4, frames, "L"),
            references=pictures("reference", 1, description["references"]),
            **unpack_arrays(_bytes(folder / "arrays.npz"), _KEPT),
            fps=float(description["fps"]),
            camera_known=True,
            body=description["body"],
            split=description["split"],
            source=description["source"],
        )
    except DataError as error:
        if str(folder) in error.where:
            raise
        raise DataError(error.problem, where=f"{folder}, {error.where}", remedy=error.remedy) from error


def _description(path: Path) -> dict[str, Any]:
    try:
        description = json.loads(_bytes(path))
    except (ValueError, RecursionError) as error:
        raise DataError("the description is not JSON", where=str(path)) from error
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise DataError(f"the description is not of the format '{FORMAT}'", where=str(path))
    for name, most in (
        ("frames", MAX_FRAMES),
        ("references", MAX_CHARACTERS),
        ("height", None),
        ("width", None),
    ):
        number = description.get(name)
        if type(number) is not int or number < 1 or (most and number > most):
            raise DataError(f"'{name}' is {number!r}", where=str(path))
    for name, kind in (("fps", (int, float)), ("body", str), ("split", str), ("source", dict)):
        if not isinstance(description.get(name), kind):
            raise DataError(f"'{name}' is {description.get(name)!r}", where=str(path))
    return description


def _picture(path: Path, shape: tuple[int, int], mode: str) -> np.ndarray:
    try:
        picture = decode_picture(_bytes(path), mode)
    except DataError as error:
        raise DataError(error.problem, where=str(path)) from error
    if picture.shape[:2] != shape:
        height, width = picture.shape[:2]
        raise DataError(f"the picture is {width} × {height}", where=str(path))
    return picture


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MAX_FILE:
            raise DataError("the file is too large", where=str(path))
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"the file cannot be read: {reason(error)}", where=str(path)) from error
