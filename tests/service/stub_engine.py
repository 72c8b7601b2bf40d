"""The real service with a worker that generates nothing: what a job does is decided by its seed.

usage: stub_engine.py serve [OPTIONS]      as isa-engine serve
       stub_engine.py worker --data DIR

The device's name ends in the worker's process id.
"""

import argparse
import hashlib
import json
import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace

from isa_engine.client.protocol import RESULTS
from isa_engine.errors import EngineError
from isa_engine.service.files import folders
from isa_engine.service.queue import claims, sqlite
from isa_engine.shot import encode_shot, read_shot
from isa_engine.whole_file import whole_file

FAST, ENDLESS, OUT_OF_MEMORY, REFUSED, BROKEN, KILLED, DISK_FULL, HANGS_ONCE, ASIDE = range(9)
# Seconds a step takes.
PACE = float(os.environ.get("STUB_PACE", 0))


def load_model(name: str) -> SimpleNamespace:
    if os.environ.get("STUB_DIES_WHILE_STARTING"):
        os.kill(os.getpid(), signal.SIGKILL)
    return SimpleNamespace(name=name, device=f"stub:{os.getpid()}")


def generate(shot, model, out: Path, report, *, checkpoint, made) -> None:
    kind, steps = shot.settings.seed, shot.settings.steps
    picture = SimpleNamespace(save=lambda path, format: path.write_bytes(b"\x89PNG\r\n\x1a\n"))
    went_on = checkpoint.path.exists()
    done, state = 0, hashlib.sha256(encode_shot(shot)).hexdigest()
    if went_on:
        done, state = json.loads(checkpoint.path.read_text())
    for step in range(done + 1, steps + 1):
        time.sleep(PACE)
        state = hashlib.sha256(f"{state}{step}".encode()).hexdigest()
        with whole_file(checkpoint.path, shared=True) as unfinished:
            unfinished.write_text(json.dumps([step, state]))
        checkpoint.saved(step)
        report(SimpleNamespace(phase="denoise", step=step, steps=steps, preview=picture))
    while kind == ENDLESS:
        report(SimpleNamespace(phase="denoise", step=steps, steps=steps, preview=None))
        time.sleep(0.01)
    if kind == HANGS_ONCE and not went_on:
        threading.Event().wait()
    if kind == OUT_OF_MEMORY:
        raise MemoryError
    if kind == REFUSED:
        raise EngineError("this shot is not to my taste", remedy="Stage another")
    if kind == ASIDE:
        raise EngineError(f"things are put aside in {tempfile.gettempdir()}")
    if kind == BROKEN:
        raise ZeroDivisionError("secret of the engine")
    if kind == DISK_FULL and not (out.parents[2] / "well").exists():
        raise OSError(28, "No space left on device")
    if kind == KILLED:
        os.kill(os.getpid(), signal.SIGKILL)
    for name, content in _results(shot.settings.model, state).items():
        (out / name).write_bytes(content)


def results_of(encoded: bytes) -> dict[str, bytes]:
    """What becomes of a shot that asks for nothing special, whatever happened on the way."""
    shot, state = read_shot(encoded), hashlib.sha256(encoded).hexdigest()
    for step in range(1, shot.settings.steps + 1):
        state = hashlib.sha256(f"{state}{step}".encode()).hexdigest()
    return _results(shot.settings.model, state)


def _results(model: str, state: str) -> dict[str, bytes]:
    return {name: f"{name} of {model} {state}\n".encode() * 5_000 for name in RESULTS}


def without(defence: str) -> None:
    """Take a defence against power cuts out of this process."""
    WITHOUT[defence]()


def _without_flushing_uploads() -> None:
    folders.flush = lambda path: None


def _without_flushing_results() -> None:
    folders.flush_all = lambda folder, names, root: None


def _without_flushing_the_queue() -> None:
    sqlite.SYNCHRONOUS = "OFF"


WITHOUT = {
    "flush of uploads": _without_flushing_uploads,
    "flush of results": _without_flushing_results,
    "flush of the queue": _without_flushing_the_queue,
}


def overrule(*settings: tuple[ModuleType, str]) -> None:
    """Set constants of the engine to what the environment says in their names after ``STUB_``, as JSON."""
    for module, name in settings:
        if found := os.environ.get(f"STUB_{name}"):
            setattr(module, name, json.loads(found))


def serve() -> None:
    # Not imported by the worker, which would take twice as long to start.
    from isa_engine.commands import serve
    from isa_engine.service import server
    from isa_engine.service.http import connections
    from isa_engine.service.operation import waiting
    from isa_engine.service.work import supervisor

    overrule(
        (server, "LOOK_SECONDS"),
        (server, "TICK_SECONDS"),
        (server, "WAIT_SECONDS"),
        (waiting, "WAIT_SECONDS"),
        (server, "CONNECTIONS"),
        (connections, "HEAD_SECONDS"),
        (supervisor, "QUIET_MINUTES"),
    )
    parser = argparse.ArgumentParser()
    serve.add_arguments(parser)
    serve.run(parser.parse_args(), worker=(sys.executable, __file__, "worker"))


def main() -> None:
    role = sys.argv.pop(1)
    if defence := os.environ.get("STUB_WITHOUT"):
        without(defence)
    overrule((claims, "MAX_STALLS"))
    if role == "worker":
        # As little as a service knows of it that runs by itself.
        from isa_engine.service.work import worker

        worker.main(load_model, generate)
    else:
        serve()


if __name__ == "__main__":
    main()
