"""An engine with the stub for a worker: somebody's, and Blender's own."""

import sys

import pytest

from isa_blender_addon.engine import process
from isa_blender_addon.engine.process import LocalEngine, RemoteEngine
from tests.service.running import COMMAND, RunningEngine


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A running engine with the stub for a worker; tests share it and leave no job in it."""
    engine = RunningEngine(tmp_path_factory.mktemp("engine"), "--stop-with-stdin")
    yield engine
    engine.end()


@pytest.fixture
def remote(running) -> RemoteEngine:
    return RemoteEngine(running.url, running.first_line["token"])


@pytest.fixture
def local(tmp_path, monkeypatch):
    """An engine of Blender's own, with the stub for a worker."""
    monkeypatch.setattr(process, "ENGINE", COMMAND)
    engine = LocalEngine(tmp_path / "engine.log", sys.executable)
    engine.start()
    yield engine
    engine.stop()
