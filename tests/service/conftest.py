import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shot"))

from running import RunningEngine


@pytest.fixture
def run_engine(tmp_path):
    """Starts engines on one data folder; all are gone after the test."""
    engines = []

    def run(*options: str, **environment: str) -> RunningEngine:
        engines.append(RunningEngine(tmp_path / "data", *options, "--stop-with-stdin", **environment))
        return engines[-1]

    yield run
    for engine in engines:
        engine.end()


@pytest.fixture
def engine(run_engine):
    """A running engine with the stub for a worker."""
    return run_engine()
