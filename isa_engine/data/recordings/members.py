"""A recording as the members of a WebDataset sample (``docs/dataset.md``): JSON, videos, PNG, arrays."""

import io
import json
import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from isa_engine.data.recordings.media import decode_picture, decode_video, encode_picture, encode_video
from isa_engine.data.recordings.recording import ARRAYS, FACES, MAX_CHARACTERS, Recording
from isa_engine.errors import DataError

FORMAT = "isa-clip 1"
# Bytes that a member may have, and pixels of a video: nobody stores more but by accident or to fill a memory.
MAX_MEMBER = 2**30
_MAX_VIDEO = 2**30
_MAX_JSON, _MAX_ARRAYS = 2**20, 2**31
_REFERENCE = "reference.{}.png"


def pack(recording: Recording, quantiser: int) -> dict[str, bytes]:
    """Members by their endings; equal recordings give equal bytes.

    Args:
        quantiser: of ``media``.
    """
    frames, height, width = recording.mask.shape
    description = {
        "format": FORMAT,
        "frames": frames,
        "height": height,
        "width": width,
        "fps": recording.fps,
        "characters": len(recording.betas),
        "references": len(recording.references),
        "camera_known": recording.camera_known,
        "body": recording.body,
        "split": recording.split,
        "source": recording.source,
        "captions": [],
    }
    arrays = io.BytesIO()
    moving = [name for name in FACES if getattr(recording, name) is not None]
    np.savez_compressed(arrays, **{name: getattr(recording, name) for name in (*ARRAYS, *moving)})
    return {
        "json": json.dumps(description, indent=1, sort_keys=True).encode(),
        "arrays.npz": arrays.getvalue(),
        "video.mp4": encode_video(recording.video, recording.fps, quantiser),
        "background.mp4": encode_video(recording.background, recording.fps, quantiser),
        **{_REFERENCE.format(r): encode_picture(p) for r, p in enumerate(recording.references)},
    }


def describe(encoded: bytes) -> dict[str, Any]:
    """The description that a recording begins with, its numbers checked.

    Raises:
        DataError: it is not of this format.
    """
    where = "json"
    if len(encoded) > _MAX_JSON:
        raise DataError("the description is too long", where=where)
    try:
        description = json.loads(encoded)
    except (ValueError, RecursionError) as error:
        raise DataError("the description is not JSON", where=where) from error
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise DataError(f"the description is not of the format '{FORMAT}'", where=where)
    for name in ("frames", "height", "width", "characters", "references"):
        if type(description.get(name)) is not int or description[name] < 1:
            raise DataError(f"'{name}' is {description.get(name)!r}", where=where)
    for name, kind in (("fps", (int, float)), ("camera_known", bool), ("body", str), ("source", dict)):
        if not isinstance(description.get(name), kind):
            raise DataError(f"'{name}' is {description.get(name)!r}", where=where)
    if not re.fullmatch(r"[\w-]{1,64}", str(description.get("split"))):
        raise DataError(f"'split' is {description.get('split')!r}", where=where)
    if description["frames"] * description["height"] * description["width"] > _MAX_VIDEO:
        raise DataError("the video is too large", where=where)
    if description["references"] > MAX_CHARACTERS:
        raise DataError(f"{description['references']} references are impossible", where=where)
    return description


def unpack(members: Mapping[str, bytes]) -> Recording:
    """The recording that was packed.

    Raises:
        DataError: names the member that is missing, broken or of another size.
    """

    def member(name: str) -> bytes:
        if name not in members:
            raise DataError("the member is missing", where=name)
        return members[name]

    description = describe(member("json"))
    shape = description["frames"], description["height"], description["width"]
    media = {}
    for name in ("video", "background"):
        try:
            media[name] = decode_video(member(f"{name}.mp4"), shape)
        except DataError as error:
            raise DataError(error.problem, where=f"{name}.mp4") from error
    pictures = []
    for r in range(description["references"]):
        name = _REFERENCE.format(r)
        try:
            pictures.append(decode_picture(member(name)))
        except DataError as error:
            raise DataError(error.problem, where=name) from error
        if pictures[-1].shape[:2] != shape[1:]:
            raise DataError(f"the picture has shape {pictures[-1].shape}", where=name)
    return Recording(
        **media,
        **unpack_arrays(member("arrays.npz"), ARRAYS, FACES),
        references=np.stack(pictures),
        fps=float(description["fps"]),
        camera_known=description["camera_known"],
        body=description["body"],
        split=description["split"],
        source=description["source"],
    )


def unpack_arrays(
    encoded: bytes, names: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, np.ndarray]:
    """These arrays of an ``.npz``, and the optional ones that are there.

    Raises:
        DataError: one is missing, or the archive is broken or too large.
    """
    where = "arrays.npz"
    try:
        with zipfile.ZipFile(io.BytesIO(encoded)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MAX_ARRAYS:
                raise DataError("the arrays are too large", where=where)
        with np.load(io.BytesIO(encoded), allow_pickle=False) as archive:
            if missing := set(names) - set(archive.files):
                raise DataError(f"there is no '{min(missing)}'", where=where)
            return {name: archive[name] for name in (*names, *set(optional) & set(archive.files))}
    except (ValueError, OSError, EOFError, KeyError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError("the arrays cannot be read", where=where) from error
