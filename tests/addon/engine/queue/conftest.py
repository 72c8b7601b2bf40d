"""An engine whose jobs go by phases, and somebody who has takes made by it."""

import pytest

from isa_blender_addon.engine.process import RemoteEngine
from tests.addon import phased_engine
from tests.addon.engine.queue.artist import Artist
from tests.service.running import RunningEngine, eventually


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """A running engine; tests share it and leave no job in it."""
    engine = RunningEngine(
        tmp_path_factory.mktemp("engine"),
        "--stop-with-stdin",
        command=(phased_engine.__file__, "serve"),
    )
    yield engine
    engine.end()


@pytest.fixture
def remote(service):
    yield RemoteEngine(service.url, service.first_line["token"])
    for job in service.client.jobs():
        if not job.over:
            service.client.cancel(job.id)
    eventually(lambda: all(job.over for job in service.client.jobs()), "nothing is left")


@pytest.fixture
def artist(remote, tmp_path):
    artist = Artist(tmp_path / "isa", remote)
    yield artist
    artist.queue.close()
