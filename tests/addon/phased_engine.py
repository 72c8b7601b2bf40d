"""The real service with a worker that stays in a phase as long as the test wants.

usage: as tests/service/stub_engine.py

A job's seed says in which of ``PHASES`` its first attempt stays; it goes on when a file ``go`` lies in the
job's folder. Later attempts, and other seeds, run through.
"""

import time
from pathlib import Path
from types import SimpleNamespace

from isa_engine.client.protocol import RESULTS
from isa_engine.service.work import worker
from tests.service.roles import play

COMMAND = (__file__, "serve", "--port", "0", "--stop-with-stdin")
PHASES = ("encode", "denoise", "decode", "write")


def generate(shot, _model, out: Path, report, **_) -> None:
    job, seed = out.parent, shot.settings.seed
    begun = job / "begun"
    first = not begun.exists()
    begun.touch()
    for number, phase in enumerate(PHASES):
        report(SimpleNamespace(phase=phase, step=1, steps=2, preview=None))
        while first and number == seed and not (job / "go").exists():
            # Where a job that was cancelled ends.
            report(SimpleNamespace(phase=phase, step=1, steps=2, preview=None))
            time.sleep(0.01)
    for name in RESULTS:
        (out / name).write_text(f"{name} of seed {seed}\n" * 1000)


def load_model(name: str) -> SimpleNamespace:
    return SimpleNamespace(name=name, device="phased")


if __name__ == "__main__":
    play(lambda: worker.main(load_model, generate), __file__)
