"""The real service with a worker that generates nothing: what a job does is decided by its seed.

usage: stub_engine.py serve [OPTIONS]      as isa-engine serve
       stub_engine.py worker --data DIR

The device's name ends in the worker's process id.
"""

import argparse
import os
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace

from isa_engine.commands import serve
from isa_engine.errors import EngineError
from isa_engine.protocol import RESULTS
from isa_engine.service import worker

FAST, ENDLESS, OUT_OF_MEMORY, REFUSED, BROKEN, KILLED, DISK_FULL = range(7)


def load_model(name: str) -> SimpleNamespace:
    if os.environ.get("STUB_DIES_WHILE_STARTING"):
        os.kill(os.getpid(), signal.SIGKILL)
    return SimpleNamespace(name=name, device=f"stub:{os.getpid()}")


def generate(shot, model, out: Path, report, *, checkpoint, made) -> None:
    kind, steps = shot.settings.seed, shot.settings.steps
    picture = SimpleNamespace(save=lambda path, format: path.write_bytes(b"\x89PNG\r\n\x1a\n"))
    done = int(checkpoint.path.read_text()) if checkpoint.path.exists() else 0
    for step in range(done + 1, steps + 1):
        checkpoint.path.write_text(str(step))
        checkpoint.saved(step)
        report(SimpleNamespace(phase="denoise", step=step, steps=steps, preview=picture))
    while kind == ENDLESS:
        report(SimpleNamespace(phase="denoise", step=steps, steps=steps, preview=None))
        time.sleep(0.01)
    if kind == OUT_OF_MEMORY:
        raise MemoryError
    if kind == REFUSED:
        raise EngineError("this shot is not to my taste", remedy="Stage another")
    if kind == BROKEN:
        raise ZeroDivisionError("secret of the engine")
    if kind == DISK_FULL:
        raise OSError(28, "No space left on device")
    if kind == KILLED:
        os.kill(os.getpid(), signal.SIGKILL)
    for name in RESULTS:
        (out / name).write_bytes(f"{name} of {shot.settings.model}\n".encode() * 50_000)


def main() -> None:
    role = sys.argv.pop(1)
    if role == "worker":
        worker.main(load_model, generate)
    else:
        parser = argparse.ArgumentParser()
        serve.add_arguments(parser)
        serve.run(parser.parse_args(), worker=(sys.executable, __file__, "worker"))


if __name__ == "__main__":
    main()
