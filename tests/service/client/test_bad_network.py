"""Over a network that breaks off anywhere nothing is lost, taken half or queued twice, and no engine is said
to be another program."""

import contextlib
import hashlib
import itertools
from collections.abc import Iterator

import pytest

from isa_engine.cli import main
from isa_engine.client import EngineClient, EngineUnreachable, RequestRefused, transfer
from isa_engine.client.protocol import ResultFile
from isa_engine.errors import Cancelled, EngineError
from tests.service.client.bad_network import broken
from tests.service.client.test_client import answering
from tests.service.running import LONG, eventually, upload
from tests.service.stub_engine import FAST

# More bytes than any head that the engine sends: a cut before them is within one, or soon after it.
HEAD = 700
SHOT = upload(FAST)


@pytest.fixture(autouse=True)
def without_pause(monkeypatch):
    monkeypatch.setattr(transfer, "PAUSE_SECONDS", 0)


@pytest.fixture(scope="module")
def plate(engine) -> Iterator[tuple[str, ResultFile]]:
    job = engine.client.submit(SHOT)
    eventually(lambda: engine.client.job(job).state == "done", "the job is done")
    yield job, next(file for file in engine.client.results(job) if file.name == "plate.mp4")
    engine.client.delete(job)


@contextlib.contextmanager
def client_over(engine, cut):
    with (
        broken(engine.url, cut) as url,
        contextlib.closing(EngineClient(url, engine.first_line["token"], seconds=30)) as client,
    ):
        yield client


def test_wherever_an_answer_breaks_off_the_engine_is_out_of_reach_and_no_stranger(engine):
    """A program that tries again heeds the difference; an artist changes the address."""
    for byte in range(1, HEAD, 7):
        with (
            client_over(engine, lambda number, byte=byte: byte) as client,
            contextlib.suppress(EngineUnreachable),
        ):
            client.health()


def test_wherever_a_result_breaks_off_it_comes_whole_or_not_at_all(engine, plate, tmp_path):
    job, file = plate
    whole = 0
    for byte in range(1, HEAD, 23):
        path = tmp_path / f"{byte}.mp4"
        with (
            client_over(engine, lambda number, byte=byte: None if number else byte) as client,
            contextlib.suppress(EngineUnreachable),
        ):
            client.fetch(job, file.name, path)
            assert hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256
            whole += 1
    assert whole
    assert len(list(tmp_path.iterdir())) == whole


def test_a_result_comes_over_connections_of_which_none_lasts_for_half_of_it(engine, plate, tmp_path):
    job, file = plate
    connections = []

    def cut(number: int) -> int:
        connections.append(number)
        return file.bytes // 4

    with client_over(engine, cut) as client:
        client.fetch(job, file.name, tmp_path / file.name)
    assert len(connections) > transfer.ATTEMPTS
    assert hashlib.sha256((tmp_path / file.name).read_bytes()).hexdigest() == file.sha256


def test_a_download_that_gets_no_further_is_given_up(engine, plate, tmp_path):
    job, file = plate
    with client_over(engine, lambda number: 2 * HEAD) as client, pytest.raises(EngineUnreachable):
        client.fetch(job, file.name, tmp_path / file.name)
    assert list(tmp_path.iterdir()) == []


def test_a_shot_whose_answer_breaks_off_anywhere_is_queued_once(engine):
    before, sent = {job.id for job in engine.client.jobs(limit=200)}, set()
    # Over one connection the engine says what it takes, and that it has the job.
    cuts = range(1, 3 * HEAD, 97)
    for byte in cuts:
        with (
            client_over(engine, lambda number, byte=byte: None if number else byte) as client,
            contextlib.suppress(EngineUnreachable),
        ):
            client.submit(SHOT, key=f"cut-{byte}")
        sent.add(engine.client.submit(SHOT, key=f"cut-{byte}"))
    assert {job.id for job in engine.client.jobs(limit=200)} - before == sent
    assert len(sent) == len(cuts)
    for job in sent:
        eventually(lambda job=job: engine.client.job(job).over, "the job is over")
        engine.client.delete(job)


@pytest.mark.parametrize(("status", "kind"), [(413, RequestRefused), (429, EngineUnreachable)])
def test_a_proxys_own_limits_are_not_taken_for_another_program(status, kind):
    with answering(status, b"<html>nginx</html>") as client, pytest.raises(kind) as said:
        client.job("a")
    assert "stands before" in str(said.value)


@pytest.mark.parametrize("status", [400, 403, 404, 500, 511])
def test_a_stranger_is_told_with_what_it_answers(status):
    with (
        answering(status, b"<html>login</html>") as client,
        pytest.raises(EngineError, match=rf"is not an ISA engine \(http://\S+, which answers {status}\)\."),
    ):
        client.job("a")


def test_the_command_says_that_a_shot_whose_answer_was_lost_may_be_queued(
    engine, tmp_path, monkeypatch, capsys
):
    def lost(*arguments, **options):
        raise EngineUnreachable("the engine does not answer", remedy="Start it.")

    monkeypatch.setenv("ISA_ENGINE_TOKEN", engine.first_line["token"])
    monkeypatch.setattr(EngineClient, "submit", lost)
    (tmp_path / "take.npz").write_bytes(SHOT)
    assert main(["submit", str(tmp_path / "take.npz"), "--engine", engine.url]) == 1
    assert "It may be queued: see isa-engine list. With --key" in capsys.readouterr().err
    assert main(["submit", str(tmp_path / "take.npz"), "--engine", "http://127.0.0.1:1"]) == 1
    assert "It may be queued" not in capsys.readouterr().err


def test_a_download_that_nobody_waits_for_any_more_ends_where_it_is_also_while_nothing_comes(
    engine, plate, tmp_path
):
    job, file = plate
    (tmp_path / "plate.mp4").write_bytes(b"older")
    with (
        broken(engine.url, lambda number: file.bytes // 2, silent=True) as url,
        contextlib.closing(EngineClient(url, engine.first_line["token"], seconds=10 * LONG)) as client,
    ):
        looks = itertools.count()
        with pytest.raises(Cancelled):
            client.fetch(job, file.name, tmp_path / "plate.mp4", stopped=lambda: next(looks) > 3)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("plate.mp4", b"older")]
