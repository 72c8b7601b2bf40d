"""The queue: what waits, what runs, and what comes back after any end; nothing here needs Blender."""

import os
import signal
import socket
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from isa_blender_addon.engine import process
from isa_blender_addon.engine.jobs import JobRunner
from isa_blender_addon.engine.process import LocalEngine, RemoteEngine
from isa_blender_addon.engine.queue import JobQueue
from isa_blender_addon.takes.take import HERE, Take, read_take
from isa_engine.client import EngineClient
from isa_engine.client.protocol import RESULTS
from isa_engine.shot import Settings
from tests.addon import phased_engine
from tests.addon.phased_engine import PHASES
from tests.full_disk import room_for
from tests.service.running import LONG, RunningEngine, eventually
from tests.shot.shots import small_shot

THROUGH = len(PHASES)
DENOISE = PHASES.index("denoise")


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


class Artist:
    """A queue with an engine, and what one does with it."""

    def __init__(self, folder: Path, engine, name: str = "gpu", workers: int = 1):
        self.queue, self.folder, self.engine = JobQueue(), folder, engine
        self.name, self.workers = name, workers

    def generate(self, name: str, phase: int = THROUGH) -> Path:
        folder = self.folder / name
        folder.mkdir(parents=True)
        settings = Settings(seed=phase)
        shot = replace(small_shot(), background=None, settings=settings)
        self.queue.add(Take(folder, "shot", "a.blend", "Scene", (1, 9, 1), settings), shot)
        return folder

    def states(self) -> dict[str, str]:
        self.queue.advance(self.engine, self.name, self.workers)
        return {job.take.name: job.state for job in self.queue.jobs()}

    def job(self, folder: Path):
        self.states()
        return next((job for job in self.queue.jobs() if job.take.folder == folder), None)

    def until(self, folder: Path, state: str):
        return eventually(lambda: (j := self.job(folder)) and j.state == state and j, f"it is {state}")

    def until_in(self, folder: Path, phase: str):
        return eventually(
            lambda: (j := self.job(folder)) and j.snapshot.phase == phase and j, f"it is in {phase}"
        )

    def until_sent(self, folder: Path) -> Take:
        """The take, once the note that the engine has it is on disk."""
        self.until_in(folder, "denoise")
        return eventually(lambda: self.states() and (t := read_take(folder)).job and t, "the note is kept")

    def until_done(self, folder: Path) -> Take:
        def done():
            self.states()
            return (take := self.queue.take(folder)).state == "done" and take

        return eventually(done, "the plate is there")

    def crash(self) -> None:
        """Blender goes without a word: nothing is told to anyone, and what runs stops."""
        for runner in self.queue._runners.values():
            runner.leave()


@pytest.fixture
def artist(remote, tmp_path):
    artist = Artist(tmp_path / "isa", remote)
    yield artist
    artist.queue.close()


def let_go(service, take: Take) -> None:
    """A job that stays in a phase goes on."""
    (Path(service.data) / "jobs" / take.job / "go").touch()


def test_jobs_go_one_by_one_in_their_order(artist, service):
    folders = [artist.generate(name, DENOISE) for name in ("a", "b", "c")]
    for number, folder in enumerate(folders):
        let_go(service, artist.until_sent(folder))
        later = [artist.job(other).state for other in folders[number + 1 :]]
        assert set(later) <= {"waiting"}
        artist.until_done(folder)
    assert artist.states() == {}
    assert not artist.queue.pending
    assert {file.name for file in folders[0].iterdir()} == {*RESULTS, "take.json"}


def test_an_engine_of_two_workers_gets_two_jobs(artist):
    artist.workers = 2
    folders = [artist.generate(name, DENOISE) for name in ("a", "b", "c")]
    for folder in folders[:2]:
        eventually(lambda folder=folder: artist.job(folder).take.job, "it is sent")
    assert artist.states()["c"] == "waiting"


def test_what_waits_can_be_put_in_another_order_and_the_order_survives(artist, service, tmp_path):
    a = artist.generate("a", DENOISE)
    b, _, d = (artist.generate(name) for name in "bcd")
    sent = artist.until_sent(a)
    artist.queue.move(d, down=False)
    artist.queue.move(d, down=False)
    artist.queue.move(d, down=False)
    artist.queue.move(b, down=True)
    artist.queue.move(b, down=True)
    assert list(artist.states()) == ["a", "d", "c", "b"], "a runs, and nothing goes before it"
    assert [job.movable for job in artist.queue.jobs()] == [False, True, True, True]
    eventually(lambda: artist.states() and artist.queue._takes.settled, "the order is kept")
    again = JobQueue()
    again.attach(again.search([tmp_path / "isa"]).result(LONG))
    assert [job.take.name for job in again.jobs()] == ["a", "d", "c", "b"]
    let_go(service, sent)
    order = []

    def all_done() -> bool:
        artist.states()
        done = [take.name for take in artist.queue.arrived() if take.name not in order]
        order.extend(done)
        return len(order) == 4

    eventually(all_done, "all are done")
    assert order == ["a", "d", "c", "b"]


def test_a_cancelled_job_frees_the_engine_and_can_be_begun_again(artist, service):
    a = artist.generate("a", DENOISE)
    b = artist.generate("b")
    first = artist.until_sent(a)
    artist.queue.cancel(a)
    artist.until_done(b)
    assert artist.job(a).state == "cancelled"
    assert service.client.job(first.job).state == "cancelled"
    artist.queue.retry(a)
    again = artist.until_sent(a)
    assert again.job != first.job
    let_go(service, again)
    assert artist.until_done(a).error == ""


def test_what_waits_is_cancelled_at_once_and_removed_with_its_files(artist):
    a, b = artist.generate("a", DENOISE), artist.generate("b")
    artist.until_sent(a)
    artist.queue.cancel(b)
    assert artist.states()["b"] == "cancelled"
    artist.queue.remove(a)
    assert a.exists(), "what runs is not removed"
    artist.queue.remove(b)
    eventually(lambda: not b.exists(), "its files are gone")
    assert list(artist.states()) == ["a"]


def test_without_an_engine_jobs_wait_and_blender_is_told_nothing_is_wrong(artist):
    artist.engine, engine = None, artist.engine
    folder = artist.generate("a")
    assert artist.states() == {"a": "waiting"}
    assert artist.queue.pending
    artist.engine = engine
    artist.until_done(folder)


def test_after_a_crash_the_next_blender_takes_up_what_the_engine_has(artist, service, tmp_path):
    a, b = artist.generate("a", DENOISE), artist.generate("b")
    sent = artist.until_sent(a)
    eventually(lambda: read_take(b), "b is on disk")
    artist.crash()

    artist.queue = JobQueue()
    artist.queue.attach(artist.queue.search([tmp_path / "isa"]).result(LONG))
    assert artist.states()["b"] == "resting", "what was never sent waits for a word"
    assert artist.until(a, "running").take.job == sent.job
    let_go(service, sent)
    artist.until_done(a)
    artist.queue.retry(b)
    artist.until_done(b)


def test_a_job_that_was_sent_twice_is_one_job(artist, service):
    """Blender ended between the sending and the note of it."""
    a = artist.generate("a", DENOISE)
    sent = artist.until_sent(a)
    artist.crash()
    artist.queue = JobQueue()
    artist.queue.attach([replace(sent, state="waiting", job="")])
    artist.queue.retry(a)
    assert artist.until_sent(a).job == sent.job
    let_go(service, sent)
    artist.until_done(a)


def test_a_plate_that_came_while_blender_was_away_is_fetched(artist, service, tmp_path):
    a = artist.generate("a", DENOISE)
    sent = artist.until_sent(a)
    artist.crash()
    let_go(service, sent)
    eventually(lambda: service.client.job(sent.job).state == "done", "the engine has it")
    artist.queue = JobQueue()
    artist.queue.attach(artist.queue.search([tmp_path / "isa"]).result(LONG))
    assert [take.name for take in (artist.until_done(a),)] == ["a"]
    assert artist.queue.arrived() == [artist.queue.take(a)]


def test_a_job_of_another_engine_is_said_to_be_there_and_can_be_given_to_this_one(artist, service):
    a = artist.generate("a", DENOISE)
    sent = artist.until_sent(a)
    artist.crash()
    service.client.cancel(sent.job)
    artist.queue = JobQueue()
    artist.queue.attach([replace(sent, engine="farm:8000")])
    assert artist.states() == {"a": "elsewhere"}
    artist.queue.retry(a)
    assert artist.until_sent(a).job != sent.job


def test_two_local_engines_are_told_apart_and_one_not_started_may_have_it(tmp_path):
    take = Take(tmp_path, "s", "", "S", (1, 2, 1), Settings(), state="sent", engine=HERE + "0", job="0" * 32)
    queue = JobQueue()
    queue.attach([take])
    states = []
    for name in (HERE, HERE + "0", HERE + "1", "gpu"):
        queue.advance(None, name, 1)
        states.append(queue.jobs()[0].state)
    assert states == ["sent", "sent", "elsewhere", "elsewhere"]


def test_a_full_disk_at_the_plates_coming_is_said_and_going_on_fetches_it(artist, service):
    a = artist.generate("a", DENOISE)
    sent = artist.until_sent(a)
    with room_for(2000):
        let_go(service, sent)
        job = artist.until(a, "failed")
    assert "Free some space" in job.snapshot.error
    assert "plate.mp4" not in {file.name for file in a.iterdir()}
    artist.queue.retry(a)
    assert artist.until_done(a).job == sent.job
    assert artist.queue.take(a).error == ""


def test_a_full_disk_at_the_very_beginning_keeps_the_shot_until_there_is_room(artist):
    with room_for(10):
        a = artist.generate("a")
        job = artist.until(a, "failed")
    assert "cannot be written" in job.snapshot.error or "Free some space" in job.snapshot.error
    artist.queue.retry(a)
    artist.until_done(a)
    assert artist.queue.trouble is None


def test_an_engine_of_another_version_gets_nothing_and_says_so(artist, monkeypatch):
    monkeypatch.setattr("isa_engine.__version__", "99.0.0")
    a = artist.generate("a")
    assert "Update the older of the two" in artist.until(a, "failed").snapshot.error
    monkeypatch.undo()
    artist.queue.retry(a)
    artist.until_done(a)


def test_a_job_that_has_failed_since_the_last_look_can_be_retried_at_once(artist, monkeypatch):
    monkeypatch.setattr("isa_engine.__version__", "99.0.0")
    a = artist.generate("a")
    eventually(lambda: artist.states() and artist.queue._runners, "it is on its way")
    (runner,) = artist.queue._runners.values()
    runner.wait()
    (job,) = artist.queue.jobs()
    assert job.state == "failed"
    monkeypatch.undo()
    artist.queue.retry(a)
    artist.until_done(a)


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


# One stands for all where time is short.
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


def test_what_was_cancelled_just_before_blender_closed_stays_cancelled(artist, service):
    a = artist.generate("a", DENOISE)
    sent = artist.until_sent(a)
    artist.queue.cancel(a)
    artist.queue.close()
    # It ends after the step that it is in.
    eventually(lambda: service.client.job(sent.job).state == "cancelled", "the engine ends it")
    assert read_take(a).state == "cancelled"
    artist.queue = JobQueue()


def test_leaving_lets_the_engine_go_on(remote, service, tmp_path):
    folder = tmp_path / "take"
    folder.mkdir()
    settings = Settings(seed=DENOISE)
    take = Take(folder, "shot", "", "Scene", (1, 9, 1), settings)
    take.keep_shot(replace(small_shot(), background=None, settings=settings))
    runner = JobRunner(remote, take.read_shot, folder, take.key)
    runner.start()
    eventually(lambda: runner.snapshot().phase == "denoise", "it runs")
    runner.leave()
    assert runner.wait(LONG).over
    job = runner.snapshot().job
    assert service.client.job(job).state == "running"
    service.client.cancel(job)
    eventually(lambda: service.client.job(job).over, "it is over")
