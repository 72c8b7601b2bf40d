"""Renders clips into a ring (``training.ring``) in processes of its own, for whoever learns from them.

    python -m isa_engine.training.ring.feeder FOLDER

The folder holds a ring that whoever wants clips has laid out (``Ring.create``). A feeder outlives the command
that started it if that gave it a session of its own (``start``), and ends when nothing was drawn for a while.
Its writers end with it, however it ends; one that dies or hangs is replaced.
"""

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from isa_engine.errors import DataError

# Seconds: between two looks at the writers; without a clip until a writer is taken to hang; and without a
# draw until nobody is taken to want clips any more.
_LOOK, _HANGS, _PATIENCE = 0.2, 120.0, 1200.0
# Deaths of each writer, without a clip between them, until all are given up.
_DEATHS = 3
LOG, PID = "feeder.log", "feeder.pid"
_LOCK = "feeder.lock"


def feed(folder: Path, source: Callable, patience: float = _PATIENCE) -> None:
    """Keep a ring full until nobody draws from it any more, or SIGTERM comes; then remove it.

    Args:
        source: ``source(points)`` gives each writer its clips, as ``synthetic_clips`` does; it travels to
            another process.
        patience: seconds without a draw; tests wait less.

    Raises:
        DataError: another feeder has this ring, or its writers die again and again.
    """
    # Before imports that take seconds: whoever started this waits for the lock to be held.
    lock = _locked(folder)
    if lock is None:
        raise DataError("another feeder fills this ring", where=str(folder), remedy="Draw from it.")
    from isa_engine.training.ring.ring import Ring

    (folder / PID).write_text(str(os.getpid()))
    ring, stopped = Ring(folder), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    # A writer's tensors are small: several threads would be slower than one. A GPU it does not use.
    os.environ |= {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    # What a writer imports takes seconds: one process imports it, and writers are forked from that one.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["isa_engine.data.clips.sources", "isa_engine.training.ring.ring"])

    def start_writer(number: int) -> multiprocessing.Process:
        ring.alive[number] = time.time()
        process = context.Process(target=_write, args=(folder, number, source), daemon=True)
        process.start()
        return process

    writers = [start_writer(number) for number in range(ring.layout.writers)]
    deaths, made = 0, 0
    try:
        while not stopped.wait(_LOOK) and time.time() - ring.drawn_at[0] < patience:
            if (now := int(ring.written.sum())) > made:
                deaths, made = 0, now
            for number, writer in enumerate(writers):
                if time.time() - ring.alive[number] > _HANGS:
                    print(f"writer {number} hangs", flush=True)
                    writer.kill()
                    writer.join()
                if not writer.is_alive():
                    deaths += 1
                    print(f"writer {number} ended with {writer.exitcode}; another begins", flush=True)
                    if deaths > _DEATHS * len(writers):
                        raise DataError(f"writers died {deaths} times in a row", where=str(folder))
                    writers[number] = start_writer(number)
    finally:
        for writer in writers:
            writer.kill()
        if stopped.is_set() or time.time() - ring.drawn_at[0] >= patience:
            shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def start(folder: Path) -> None:
    """Have a ring fed, with synthetic humans, by a process that outlives this one; it writes to a log there.

    Raises:
        DataError: it ended at once.
    """
    if is_fed(folder):
        return
    with open(folder / LOG, "ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "isa_engine.training.ring.feeder", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    while not is_fed(folder):
        if process.poll() is not None:
            raise DataError("the feeder ended", where=str(folder), remedy=f"Its {LOG} says why.")
        time.sleep(_LOOK / 4)


def is_fed(folder: Path) -> bool:
    """Whether a feeder is alive."""
    if (lock := _locked(folder)) is None:
        return True
    os.close(lock)
    return False


def _locked(folder: Path) -> int | None:
    """A lock that a feeder holds as long as it lives; None if another one does."""
    import fcntl

    lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _write(folder: Path, number: int, source: Callable) -> None:
    """The life of one writer."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # The training goes first on the processor.
    os.nice(19)
    import torch

    from isa_engine.data.clips.clip_batch import batch_of
    from isa_engine.geometry.surface import POINTS
    from isa_engine.training.ring.ring import Ring

    torch.set_num_threads(1)
    ring = Ring(folder)
    points = ring.layout.points
    # Triangles, which a reprojection needs, join all of them.
    clips = source(POINTS if ring.layout.reprojected else points)
    while True:
        ring.alive[number] = time.time()
        if (shelf := ring.wanted(number)) is None:
            time.sleep(_LOOK)
            continue
        seed, of = ring.begin(number), ring.layout.shelves[shelf]
        clip = batch_of(clips(seed, of.frames, of.height, of.width))
        ring.put(number, shelf, seed, clip.first_points(points))


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)


def _synthetic(points: int) -> Callable:
    from isa_engine.data.clips.sources import synthetic_clips

    return synthetic_clips(points, "cpu")


def main() -> None:
    feed(Path(sys.argv[1]), _synthetic)


if __name__ == "__main__":
    main()
