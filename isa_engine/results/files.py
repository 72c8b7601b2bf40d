"""The files that a generation leaves: their names, and how they come into their folder."""

import contextlib
import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isa_engine.errors import EngineError, reason
from isa_engine.folder_lock import folder_lock
from isa_engine.results.exchange import exchange, finish

PLATE, MATTE, RECORD, SHOT, LATENTS = NAMES = (
    "plate.mp4",
    "matte.mp4",
    "record.json",
    "shot.npz",
    "latents.npy",
)

# The movie, or the folder of pictures, that a take's people with alpha are put into, by the kind of it.
PEOPLE = {"prores": "people.mov", "png": "people_png", "exr": "people_exr"}


@dataclass(frozen=True)
class Result:
    """The files of one generation, in the order of ``NAMES``."""

    plate: Path
    matte: Path
    record: Path
    shot: Path
    latents: Path


def take_name(shot: Path) -> str:
    """What a shot's file is known by: its name, or its folder's where it is a take's own, for these are all
    called the same."""
    folder = Path(os.path.abspath(shot)).parent.name
    return folder if folder and shot.name == SHOT else shot.stem


@contextlib.contextmanager
def results_in(out: Path) -> Iterator[Result]:
    """Where to write results: under other names, that become theirs together once all is well. Those that are
    not written are no longer there then, if an older take had them.

    Raises:
        EngineError: the folder cannot be written, or another process writes results there; or an older take
            cannot be replaced: then what was written stays under those other names.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        with folder_lock(out), _parts(out) as parts:
            yield parts
    except BlockingIOError as error:
        remedy = "Wait until that is over, or choose another folder."
        raise EngineError(
            "another take is being made in this folder", where=str(out), remedy=remedy
        ) from error
    except OSError as error:
        raise cannot_write(out, error) from error


@contextlib.contextmanager
def _parts(out: Path) -> Iterator[Result]:
    parts = Result(*(out / f"{name}.part" for name in NAMES))
    written = {}
    try:
        finish(out, NAMES)
        yield parts
        found = zip(NAMES, vars(parts).values(), strict=True)
        written = {name: part for name, part in found if part.exists()}
        exchange(written, out, NAMES)
    except OSError as error:
        if not written:
            raise
        problem = f"the older take cannot be replaced: {reason(error)}"
        remedy = f"The new one is kept beside it, as {PLATE}.part and so on."
        raise EngineError(problem, where=str(out), remedy=remedy) from error
    finally:
        for part in () if written else vars(parts).values():
            with contextlib.suppress(OSError):
                part.unlink()


def write_array(path: Path, array: np.ndarray) -> None:
    """As ``np.save`` does, which into a file itself tells of a full disk in words of its own, without the
    system's number for it: "14336 requested and 6112 written" would be a fault of the shot.

    Raises:
        OSError: it cannot be written.
    """
    rows = np.ascontiguousarray(array)
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(rows))
        file.write(rows.data)


def cannot_write(path: Path, error: OSError) -> EngineError:
    """The sentence for a file that could not be written."""
    full = error.errno == errno.ENOSPC
    problem = "the disk is full" if full else f"cannot write: {reason(error)}"
    remedy = "Free some space, then generate again." if full else "Choose a folder that you may write to."
    return EngineError(problem, where=str(path), remedy=remedy)
