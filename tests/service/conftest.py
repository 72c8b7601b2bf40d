import pytest
from starlette.testclient import TestClient

from isa_engine.service.files.folders import Folders
from isa_engine.service.http.api import create_app
from isa_engine.service.operation.configuration import ServiceConfig
from isa_engine.service.queue.store import JobStore
from tests.service.running import RunningEngine, engine  # noqa: F401  a fixture


@pytest.fixture
def run_engine(tmp_path):
    """Starts engines on one data folder; all are gone after the test."""
    engines = []

    def run(*options: str, **environment: str) -> RunningEngine:
        engines.append(RunningEngine(tmp_path / "data", *options, "--stop-with-stdin", **environment))
        return engines[-1]

    yield run
    for each in engines:
        each.end()


@pytest.fixture
def folders(tmp_path) -> Folders:
    return Folders(tmp_path / "data")


@pytest.fixture
def store(folders):
    store = JobStore(folders.queue)
    yield store
    store.close()


@pytest.fixture
def api(store, folders):
    """The application in this process, with its token and without a worker; uploads of 1 MiB at most."""
    app = create_app(store, folders, "secret", ServiceConfig(upload_mib=1))
    with TestClient(app, headers={"Authorization": "Bearer secret"}) as client:
        yield client
