"""The queue's file locked, deleted, replaced and damaged while jobs run."""

import contextlib
import os
import sqlite3
import time
from pathlib import Path

from isa_engine.service.queue.sqlite import backups
from isa_engine.service.queue.store import JobStore
from isa_engine.service.upkeep import custody
from tests.service.crashes.ledger import PATIENCE, TOKEN, Ledger, Outcome
from tests.service.crashes.machines import not_ready, send_and_wait_for_steps
from tests.service.running import RunningEngine, eventually

# Longer than a statement waits for another program, and than it takes until that is said.
_LOCKED_SECONDS = 45


def lock_the_queue(folder: Path) -> Outcome:
    """Another program holds the queue's file for longer than anybody waits for it."""
    engine, ledger = _start(folder), Ledger(steps=30)
    try:
        send_and_wait_for_steps(engine, ledger)
        with contextlib.closing(sqlite3.connect(_queue(engine), isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            until = time.monotonic() + _LOCKED_SECONDS
            eventually(lambda: "locked the queue" in not_ready(engine), "it is said", PATIENCE)
            eventually(lambda: time.monotonic() > until, "and it stays locked", PATIENCE)
            other.execute("ROLLBACK")
        return ledger.settle(engine, 1)
    finally:
        engine.end()


def delete_the_queue(folder: Path, times: int = 3) -> Outcome:
    """Somebody deletes the queue's file and those beside it."""
    engine, ledger = _start(folder), Ledger(steps=30)
    try:
        for _ in range(times):
            send_and_wait_for_steps(engine, ledger)
            for path in engine.data.glob("queue.sqlite3*"):
                path.unlink()
            eventually(_queue(engine).exists, "it is there again", PATIENCE)
        return ledger.settle(engine, times)
    finally:
        engine.end()


def replace_the_queue(folder: Path) -> Outcome:
    """Another queue takes the place of the file; what the engine knew is brought back as it says."""
    engine, ledger = _start(folder), Ledger(steps=30)
    try:
        send_and_wait_for_steps(engine, ledger)
        with contextlib.closing(JobStore(folder / "other")) as other:
            other.add("x")
        os.replace(folder / "other", _queue(engine))
        eventually(lambda: "another file took the place" in not_ready(engine), "it is said", PATIENCE)
    finally:
        engine.end()
    return _restored(folder, ledger, Path(f"{_queue(engine)}.rescued"))


def damage_the_queue(folder: Path) -> Outcome:
    """All of the queue's file but its head is noise; the engine's own copy of it is brought back."""
    engine, ledger = _start(folder), Ledger(steps=30)
    try:
        send_and_wait_for_steps(engine, ledger)
        ledger.settle(engine, 0)
        # The engine copies its queue when it starts.
        copies = len(backups(_queue(engine)))
        engine.end()
        engine = _start(folder)
        eventually(lambda: len(backups(_queue(engine))) > copies, "the queue is copied", PATIENCE)
        with contextlib.closing(sqlite3.connect(_queue(engine))) as direct:
            direct.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with _queue(engine).open("r+b") as file:
            file.seek(4096)
            file.write(os.urandom(_queue(engine).stat().st_size - 4096))
        eventually(lambda: "is damaged" in not_ready(engine), "it is said", PATIENCE)
    finally:
        engine.end()
    return _restored(folder, ledger)


def _restored(folder: Path, ledger: Ledger, copy: Path | None = None) -> Outcome:
    custody.restore(folder / "data", copy)
    engine = _start(folder)
    try:
        return ledger.settle(engine, 1)
    finally:
        engine.end()


def _start(folder: Path) -> RunningEngine:
    environment = {"ISA_ENGINE_TOKEN": TOKEN, "STUB_LOOK_SECONDS": "0.5", "STUB_PACE": "0.02"}
    return RunningEngine(folder / "data", "--stop-with-stdin", **environment)


def _queue(engine: RunningEngine) -> Path:
    return engine.data / "queue.sqlite3"
