"""No job is lost where the way to its engine is cut, or the engine killed; nothing here needs Blender."""

import os
import signal
import socket
import sys
import threading
from pathlib import Path

import pytest

from isa_blender_addon.engine import process
from isa_blender_addon.engine.process import LocalEngine, RemoteEngine
from isa_blender_addon.takes.take import HERE, Take
from isa_engine.client import EngineClient
from tests.addon import phased_engine
from tests.addon.engine.queue.artist import DENOISE, Artist, let_go
from tests.addon.phased_engine import PHASES


class Network:
    """A way to an engine that can be cut."""

    def __init__(self, port: int):
        self.target, self.lines = port, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.mend(self.listener)

    def mend(self, listener=None) -> None:
        self.listener = listener or socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def cut(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for line in self.lines:
            line.close()

    def _accept(self, listener) -> None:
        while True:
            try:
                here, _ = listener.accept()
            except OSError:
                return
            there = socket.create_connection(("127.0.0.1", self.target))
            self.lines += here, there
            for source, sink in ((here, there), (there, here)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    @staticmethod
    def _carry(source, sink) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            end.close()


def test_a_job_outlives_the_network(artist, service):
    network = Network(int(service.url.rpartition(":")[2]))
    artist.engine = RemoteEngine(f"http://127.0.0.1:{network.port}", service.first_line["token"])
    a = artist.generate("a", DENOISE)
    sent = artist.until_sent(a)
    network.cut()
    artist.until(a, "lost")
    let_go(service, sent)
    network.mend()
    assert artist.until_done(a).job == sent.job
    network.cut()
    b = artist.generate("b")
    artist.until(b, "lost")
    network.mend()
    artist.until_done(b)
    network.cut()


@pytest.fixture
def local(tmp_path, monkeypatch):
    """This machine's engine, not started yet."""
    monkeypatch.setattr(process, "ENGINE", phased_engine.COMMAND)
    engine = LocalEngine(tmp_path / "engine.log", sys.executable, tmp_path / "data")
    yield engine
    engine.stop()


def kill(engine: LocalEngine) -> None:
    os.kill(engine._process.pid, signal.SIGKILL)
    engine._process.wait()


@pytest.fixture
def at_home(local, tmp_path):
    """Who has a job done by this machine's engine."""
    local.start()
    artist = Artist(tmp_path / "isa", local, HERE + "0")
    yield artist
    artist.queue.close()


def taken_up(artist: Artist, folder: Path) -> None:
    """Its engine was killed; the next one does the same job to its end."""
    job = artist.until(folder, "failed")
    assert "The engine stopped by itself" in job.snapshot.error
    artist.engine.start()
    artist.queue.retry(folder)
    take = artist.until_done(folder)
    assert job.take.job in ("", take.job), "it is the same job"


@pytest.mark.slow
def test_an_engine_that_is_killed_while_the_shot_is_sent_costs_no_job(at_home, monkeypatch):
    read_shot = Take.read_shot

    def killing(take: Take) -> bytes:
        monkeypatch.setattr(Take, "read_shot", read_shot)
        kill(at_home.engine)
        return read_shot(take)

    monkeypatch.setattr(Take, "read_shot", killing)
    taken_up(at_home, at_home.generate("upload"))


@pytest.mark.parametrize(
    "phase", [pytest.param(phase, marks=[pytest.mark.slow] * (phase != "denoise")) for phase in PHASES]
)
def test_an_engine_that_is_killed_at_work_costs_no_job(at_home, phase):
    folder = at_home.generate(phase, PHASES.index(phase))
    at_home.until_in(folder, phase)
    kill(at_home.engine)
    taken_up(at_home, folder)


@pytest.mark.slow
def test_an_engine_that_is_killed_while_the_plate_is_fetched_costs_no_job(at_home, monkeypatch):
    fetch = EngineClient.fetch

    def fetch_and_kill(client, job, name, path, stopped) -> None:
        monkeypatch.setattr(EngineClient, "fetch", fetch)
        fetch(client, job, name, path)
        kill(at_home.engine)

    monkeypatch.setattr(EngineClient, "fetch", fetch_and_kill)
    taken_up(at_home, at_home.generate("fetch"))


def test_this_machines_engine_forgets_jobs_whose_plates_have_come(local, tmp_path):
    artist = Artist(tmp_path / "isa", local, HERE + "0")
    local.start()
    assert local.folder == tmp_path / "data" / "0"
    artist.until_done(artist.generate("a"))
    assert list((local.folder / "jobs").iterdir()) == []
    other = LocalEngine(tmp_path / "other.log", sys.executable, tmp_path / "data")
    other.start()
    assert other.folder == tmp_path / "data" / "1", "two engines share no folder"
    other.stop()
    artist.queue.close()
