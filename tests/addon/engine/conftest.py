"""An engine with the stub for a worker: somebody's, and Blender's own."""

import sys

import pytest

from isa_blender_addon.engine import process
from isa_blender_addon.engine.process import LocalEngine, RemoteEngine
from tests.service.running import COMMAND, engine  # noqa: F401  a fixture


@pytest.fixture
def remote(engine) -> RemoteEngine:  # noqa: F811
    return RemoteEngine(engine.url, engine.first_line["token"])


@pytest.fixture
def local(tmp_path, monkeypatch):
    """An engine of Blender's own, with the stub for a worker."""
    monkeypatch.setattr(process, "ENGINE", COMMAND)
    own = LocalEngine(tmp_path / "engine.log", sys.executable)
    own.start()
    yield own
    own.stop()
