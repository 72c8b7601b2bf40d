"""Where a sprint's ring of clips lies, and its feeder."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

from isa_engine.errors import DataError
from isa_engine.training.ring.feeder import is_fed, start
from isa_engine.training.ring.ring import Ring
from isa_engine.training.ring.shelves import Draw, layout_for

PROBED = "probe.json"
# In memory; or on a disk, where processes may share too little memory.
PLACES = (Path("/dev/shm"), Path("/tmp"))
# Bytes of clips that are worth having, and those with which memory is preferred to a disk.
_WANTED, _ENOUGH = 16 * 2**30, 2 * 2**30
# Share of what is free there that the ring takes.
_SHARE = 0.6


def open_ring(
    name: str,
    draws: tuple[Draw, ...],
    points: int,
    reuse: float,
    seed: int,
    writers: int | None = None,
    reprojected: bool = False,
) -> Ring:
    """The ring of this name that is being filled already, if it has what is to be drawn; else a new one, with
    a feeder that outlives this process.

    Args:
        points: surface points a character, at least.
        writers: processes; by default one for each of two cores in three: a GPU must be told what to do next,
            and batches be staged.
        reprojected: whether casts are to be reprojected.
    """
    for place in PLACES:
        folder = place / name
        if is_whole(folder) and is_fed(folder) and _holds(ring := Ring(folder), draws, points, reprojected):
            return ring
    place, size = choose_place()
    folder = place / name
    if folder.exists() and is_fed(folder):
        raise DataError("another run's feeder fills this ring", where=str(folder), remedy="Name another one.")
    shutil.rmtree(folder, ignore_errors=True)
    count = writers or max(1, 2 * (os.cpu_count() or 2) // 3)
    ring = Ring.create(folder, layout_for(draws, points, count, size, reuse, seed, reprojected))
    start(folder)
    return ring


def probed(folder: Path) -> dict[str, Any]:
    """What a probe found while this ring began to be filled, if there was one."""
    path = folder / PROBED
    return json.loads(path.read_text()) if path.exists() else {}


def choose_place() -> tuple[Path, int]:
    """The folder for a ring, and the bytes that it may take."""
    for place in PLACES:
        size = min(_WANTED, int(_SHARE * shutil.disk_usage(place).free))
        if size >= _ENOUGH or place == PLACES[-1]:
            return place, size
    raise AssertionError


def is_whole(folder: Path) -> bool:
    return (folder / "layout.json").exists()


def _holds(ring: Ring, draws: tuple[Draw, ...], points: int, reprojected: bool) -> bool:
    kinds = {(shelf.frames, shelf.width, shelf.height) for shelf in ring.layout.shelves}
    wanted = {(draw.length, draw.width, draw.height) for draw in draws}
    layout = ring.layout
    return wanted <= kinds and points <= layout.points and reprojected <= layout.reprojected
