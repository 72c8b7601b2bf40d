"""The queue's file: gone, replaced, locked, damaged or of an earlier version; at the start, while running."""

import contextlib
import fcntl
import os
import sqlite3
import threading

import pytest

from isa_engine.cli import main
from isa_engine.client.protocol import RESULTS, ResultFile
from isa_engine.errors import EngineError
from isa_engine.service.files.checksum import sha256
from isa_engine.service.operation.conditions import Conditions
from isa_engine.service.queue import schema, sqlite
from isa_engine.service.queue.history import History
from isa_engine.service.queue.store import JobStore
from isa_engine.service.upkeep import queue_watch
from isa_engine.service.upkeep.lock import FILE, Lock, held
from isa_engine.service.upkeep.queue_watch import QUEUE, QueueWatch
from tests.service.running import eventually, upload
from tests.service.stub_engine import FAST
from tests.service.test_server import refused


@pytest.fixture
def lock(folders):
    with contextlib.closing(Lock(folders.root)) as lock:
        yield lock


@pytest.fixture
def watch(store, lock):
    """A watch that counts in ``renewals`` how often workers were told to open the queue anew."""
    watch = QueueWatch(store, Conditions(), lambda: watch.renewals.append(1), lock)
    watch.renewals = []
    watch.look()
    return watch


def said(watch: QueueWatch) -> str:
    watch.look()
    return watch.conditions.sentence(QUEUE)


def damage(path) -> None:
    with sqlite3.connect(path) as direct:
        direct.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(20000))


@pytest.mark.parametrize("beside", [True, False])
def test_a_queue_that_is_deleted_while_the_engine_runs_is_written_anew_with_all_its_jobs(
    store, folders, watch, beside
):
    store.add("a")
    for path in folders.root.glob("queue.sqlite3*" if beside else "queue.sqlite3"):
        path.unlink()
    store.add("b")
    assert (said(watch), watch.renewals) == ("", [1])
    store.add("c")
    with contextlib.closing(JobStore(folders.queue)) as other:
        assert other.jobs() == store.jobs() == ["a", "b", "c"]
    assert (said(watch), watch.renewals) == ("", [1])


def test_a_queue_that_is_replaced_is_said_and_left_and_what_was_known_is_kept(
    store, folders, watch, tmp_path
):
    store.add("a")
    with contextlib.closing(JobStore(tmp_path / "other")) as other:
        other.add("x")
    os.replace(tmp_path / "other", folders.queue)
    assert "another file took the place of the queue" in said(watch)
    with contextlib.closing(JobStore(folders.root / "queue.sqlite3.rescued")) as kept:
        assert kept.jobs() == ["a"]
    with contextlib.closing(sqlite3.connect(folders.queue)) as direct:
        assert direct.execute("SELECT id FROM jobs").fetchall() == [("x",)]


def test_a_copy_of_the_queue_keeps_nobody_waiting_for_a_status(store, watch, monkeypatch):
    store.add("a")
    seen = []

    def slow(source, path):
        # Whoever reads meanwhile is answered: another thread would wait here for ever.
        reader = threading.Thread(target=lambda: seen.append(store.status("a").state))
        reader.start()
        reader.join(60)

    monkeypatch.setattr(sqlite, "copy", slow)
    watch._copied = float("-inf")
    watch.look()
    assert seen == ["queued"]


def test_a_queue_that_somebody_holds_locked_is_said_and_passes(store, folders, watch, monkeypatch):
    monkeypatch.setattr(queue_watch, "LOCKED_SECONDS", 0)
    with contextlib.closing(sqlite3.connect(folders.queue, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "another program has locked the queue" in said(watch)
    assert said(watch) == ""


def test_a_queue_that_is_damaged_is_said_with_the_way_back(store, folders, watch):
    for number in range(200):
        store.add(f"{number}")
    damage(folders.queue)
    assert f"isa-engine queue restore --data {folders.root}" in said(watch)


def test_no_job_comes_in_while_the_queue_is_not_well(api, folders):
    api.app.state.conditions.stands(QUEUE, "The queue is ill.")
    answer = api.post("/v1/jobs", content=upload(FAST))
    assert (answer.status_code, answer.json()["error"]) == (503, "The queue is ill.")
    assert "The queue is ill." in api.get("/v1/ready").json()["reasons"]
    api.app.state.conditions.passed(QUEUE)
    assert api.post("/v1/jobs", content=upload(FAST)).status_code == 201


def test_a_job_comes_in_as_soon_as_the_queue_is_well_again(api, store, folders, lock, monkeypatch):
    watch = QueueWatch(store, api.app.state.conditions, lambda: None, lock)
    monkeypatch.setattr(queue_watch, "LOCKED_SECONDS", 0)
    with contextlib.closing(sqlite3.connect(folders.queue, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "locked" in said(watch)
    assert api.post("/v1/jobs", content=upload(FAST)).status_code == 201
    assert watch.conditions.sentences() == []


def test_a_locked_queue_is_a_503_and_not_our_mistake(api, store, folders, monkeypatch):
    store.driver._connection.execute("PRAGMA busy_timeout = 10")
    with contextlib.closing(sqlite3.connect(folders.queue, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        answer = api.post("/v1/jobs", content=upload(FAST))
    assert (answer.status_code, "locked the engine's queue" in answer.json()["error"]) == (503, True)
    assert list(folders.uploads.iterdir()) == []


def test_a_running_engine_goes_on_without_its_queues_file(run_engine, monkeypatch):
    engine = run_engine(ISA_ENGINE_TOKEN="chosen", STUB_PACE="0.05", STUB_LOOK_SECONDS="0.2")
    pid = engine.worker_pid()
    job = engine.client.submit(upload(FAST, steps=20))
    eventually(lambda: engine.client.job(job).step > 2, "it runs")
    for path in engine.data.glob("queue.sqlite3*"):
        path.unlink()
    eventually(lambda: engine.worker_pid() != pid, "another worker comes")
    another = engine.client.submit(upload(FAST))
    for each in (job, another):
        eventually(lambda each=each: engine.client.job(each).state == "done", "it is done")
    assert engine.end() == 0
    with contextlib.closing(JobStore(engine.data / "queue.sqlite3")) as store:
        assert store.jobs() == [job, another]


def test_whoever_asks_of_a_queue_that_is_nothing_but_noise_hears_what_to_do(api, store, folders):
    with contextlib.closing(sqlite3.connect(folders.queue)) as direct:
        direct.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with folders.queue.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(folders.queue.stat().st_size - 4096))
    answer = api.get("/v1/jobs")
    assert (answer.status_code, "isa-engine queue check" in answer.json()["error"]) == (503, True)
    answer = api.get("/v1/ready")
    assert (answer.status_code, answer.json()["ready"], len(answer.json()["reasons"])) == (503, False, 1)
    api.app.state.conditions.stands(QUEUE, "The queue is damaged.")
    assert api.get("/v1/ready").json()["reasons"] == ["The queue is damaged."]


@pytest.mark.parametrize("kind", ["page", "head", "short", "foreign"])
def test_an_engine_says_of_a_damaged_queue_what_to_do_and_touches_nothing(store, folders, tmp_path, kind):
    for number in range(200):
        store.add(f"{number}")
    store.close()
    content = folders.queue.read_bytes()
    noise = os.urandom(4096)
    spoiled = {
        "page": content[:4096] + noise + content[8192:],
        "head": noise[:50] + content[50:],
        "short": content[: len(content) // 2],
        "foreign": b"not a database at all" * 1000,
    }[kind]
    folders.queue.write_bytes(spoiled)
    (folders.jobs / "kept").mkdir()
    with pytest.raises(EngineError, match=r"the queue cannot be used.*isa-engine queue restore"):
        JobStore(folders.queue, own=True)
    if kind == "page":
        sentence = refused("--port", "0", "--data", str(folders.root), ISA_ENGINE_TOKEN="chosen")
        assert "isa-engine queue restore" in sentence
    assert folders.queue.read_bytes() == spoiled
    assert [path.name for path in folders.jobs.iterdir()] == ["kept"]


def test_a_queue_that_is_new_sweeps_nothing_and_says_what_it_found(run_engine, tmp_path):
    plate = tmp_path / "data" / "jobs" / ("0" * 32) / "results-1" / "plate.mp4"
    plate.parent.mkdir(parents=True)
    plate.write_bytes(b"of a queue that was lost")
    with (tmp_path / "log").open("wb") as log:
        engine = run_engine(stderr=log)
        assert engine.client.jobs() == []
        engine.end()
    assert plate.read_bytes() == b"of a queue that was lost"
    assert "Files of 1 jobs lie" in (tmp_path / "log").read_text()


def done_job(store, folders, job: str) -> None:
    store.add(job)
    claim = store.claim()
    out = folders.begin(job, claim.attempt)
    for name in RESULTS:
        (out / name).write_bytes(name.encode())
    folders.keep_results(job, claim.attempt)
    files = [ResultFile(name, len(name), sha256(out / name)) for name in RESULTS]
    store.finish(claim, "done", results=tuple(files))


def test_a_copy_lies_where_it_is_wanted_or_it_is_said_why_not(folders, store, capsys, tmp_path):
    data = ("--data", str(folders.root))
    assert main(["queue", "backup", str(tmp_path / "new" / "copy"), *data]) == 0
    assert (tmp_path / "new" / "copy").is_file()
    (tmp_path / "file").touch()
    capsys.readouterr()
    for place, why in ((tmp_path / "new", "Name another file"), (tmp_path / "file" / "copy", "is a file")):
        assert main(["queue", "backup", str(place), *data]) == 1
        assert why in capsys.readouterr().err


def test_check_backup_and_restore(store, folders, capsys, tmp_path):
    data, copy = ("--data", str(folders.root)), tmp_path / "copy"
    done_job(store, folders, "a")
    assert main(["queue", "check", *data]) == 0
    assert main(["queue", "backup", str(copy), *data]) == 0
    store.add("b")
    assert main(["queue", "check", *data]) == 1
    assert "The shot of the waiting job b is missing" in capsys.readouterr().out
    store.close()
    damage(folders.queue)
    assert main(["queue", "check", *data]) == 1
    assert main(["queue", "restore", str(folders.root / "lock.sqlite3"), *data]) == 1
    assert main(["queue", "restore", str(copy), *data]) == 0
    assert main(["queue", "check", *data]) == 0
    (folders.results("a", 1) / "plate.mp4").write_bytes(b"other.mp4")
    (folders.jobs / "stray").mkdir()
    capsys.readouterr()
    assert main(["queue", "check", *data]) == 1
    found = capsys.readouterr().out
    assert "plate.mp4 was changed or damaged" in found
    assert "does not know" in found
    assert len(list(folders.root.glob(f"queue.sqlite3.before-{'?' * 14}"))) == 1, "the damaged one is kept"


def test_the_engines_own_newest_whole_copy_is_what_restore_takes(store, folders, watch, lock, capsys):
    # The watch made one at its first look.
    [made] = sqlite.backups(folders.queue)
    store.close()
    lock.close()
    folders.queue.write_bytes(b"")
    assert main(["queue", "restore", "--data", str(folders.root)]) == 0
    assert made.name in capsys.readouterr().out
    with contextlib.closing(JobStore(folders.queue)) as again:
        assert again.jobs() == []


@pytest.mark.parametrize("kind", ["text", "empty", "another program's"])
def test_what_is_no_queue_is_not_said_to_be_one_of_another_version(folders, store, tmp_path, capsys, kind):
    store.close()
    (tmp_path / "file").write_text("hello" if kind == "text" else "")
    if kind == "another program's":
        with contextlib.closing(sqlite3.connect(tmp_path / "file")) as direct:
            direct.execute("CREATE TABLE pages (id)")
    assert main(["queue", "restore", str(tmp_path / "file"), "--data", str(folders.root)]) == 1
    assert f"there is no whole copy of a queue ({tmp_path / 'file'})" in capsys.readouterr().err
    with contextlib.closing(JobStore(folders.queue)) as again:
        assert again.jobs() == []


def test_a_file_that_only_says_that_it_is_a_queue_is_refused(tmp_path, capsys):
    path = tmp_path / "queue.sqlite3"
    with contextlib.closing(sqlite3.connect(path)) as direct:
        direct.executescript(f"CREATE TABLE jobs (id TEXT); PRAGMA user_version = {schema.VERSION}")
    with pytest.raises(EngineError, match="it has no table clock"):
        JobStore(path)
    assert main(["token", "add", "anna", "--data", str(tmp_path)]) == 1
    assert "the queue cannot be used" in capsys.readouterr().err


def test_whatever_an_engine_writes_is_for_its_users_eyes(run_engine):
    engine = run_engine()
    job = engine.client.submit(upload(FAST))
    eventually(lambda: engine.client.job(job).state == "done", "it is done")
    modes = {path: path.stat().st_mode & 0o077 for path in [engine.data, *engine.data.rglob("*")]}
    assert {path for path, others in modes.items() if others} == set()


def test_who_deletes_the_lock_lets_no_second_engine_in(lock, watch, folders):
    (folders.root / "lock.sqlite3").unlink()
    with pytest.raises(EngineError, match="another engine uses this folder"), held(folders.root):
        pass
    (folders.root / "lock.sqlite3").unlink(missing_ok=True)
    assert said(watch) == ""
    assert (folders.root / "lock.sqlite3").exists(), "it is made anew"


def test_a_lock_that_is_damaged_is_made_anew_and_locks(tmp_path, caplog, monkeypatch):
    # The file's lock is looked at, and not the folder's.
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)
    with held(tmp_path):
        pass
    (tmp_path / FILE).write_bytes(b"nonsense" * 500)
    with held(tmp_path), pytest.raises(EngineError, match="another engine uses this folder"), held(tmp_path):
        pass
    assert "the lock of the engine's folder was damaged" in caplog.text


def test_a_second_engine_that_came_in_all_the_same_is_said(lock, watch, folders, monkeypatch):
    """Where the system locks no folders, nothing but the file keeps it out."""
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)
    (folders.root / "lock.sqlite3").unlink()
    with held(folders.root):
        assert "another engine began here" in said(watch)
    assert said(watch) == "", "it went away again"
    refusal = pytest.raises(EngineError, match="another engine uses this folder")
    with refusal, held(folders.root):
        pass


def test_restore_waits_for_the_engine_to_stop(engine, capsys, tmp_path):
    assert main(["queue", "backup", str(tmp_path / "copy"), "--data", str(engine.data)]) == 0
    assert main(["queue", "restore", str(tmp_path / "copy"), "--data", str(engine.data)]) == 1
    assert "another engine uses this folder" in capsys.readouterr().err


@pytest.mark.parametrize("before", schema.MIGRATIONS)
def test_a_queue_of_a_version_before_is_brought_up_to_date_and_a_copy_of_it_stays(tmp_path, before):
    path = tmp_path / "queue.sqlite3"
    with sqlite3.connect(path) as direct:
        direct.executescript(BEFORE)
        for version in range(min(schema.MIGRATIONS), before):
            direct.executescript(schema.MIGRATIONS[version])
        direct.execute(f"PRAGMA user_version = {before}")
    direct.close()
    with pytest.raises(EngineError, match="Start this version's engine on it once"):
        JobStore(path)
    with contextlib.closing(JobStore(path, own=True)) as store:
        assert [store.status(job).state for job in ("a", "b")] == ["done", "queued"]
        assert store.claim().id == "b"
        store.spoiled("a", "The plate is gone.")
        assert store.delete("a")
        assert store.removals() == ["a"]
        assert {ending.job: ending.state for ending in History(store).page(None, 5, None)} == {"a": "failed"}
    with contextlib.closing(sqlite3.connect(tmp_path / f"queue.sqlite3.v{before}")) as kept:
        assert kept.execute("PRAGMA user_version").fetchone() == (before,)
        assert kept.execute("SELECT count(*) FROM jobs").fetchone() == (2,)


# The tables of version 2, as far as version 3 changed them, and what nobody changed.
BEFORE = """
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, owner TEXT NOT NULL DEFAULT '',
    idempotency_key TEXT, shot TEXT NOT NULL DEFAULT '', bytes INTEGER NOT NULL DEFAULT 0,
    priority INTEGER NOT NULL DEFAULT 0, turn INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'queued', cancelling INTEGER NOT NULL DEFAULT 0, worker INTEGER,
    attempt INTEGER NOT NULL DEFAULT 0, seconds REAL NOT NULL DEFAULT 0,
    checkpoint INTEGER NOT NULL DEFAULT 0, interrupted_at INTEGER NOT NULL DEFAULT -1,
    interruptions INTEGER NOT NULL DEFAULT 0, phase TEXT NOT NULL DEFAULT '',
    step INTEGER NOT NULL DEFAULT 0, steps INTEGER NOT NULL DEFAULT 0, previews INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '', created REAL NOT NULL, started REAL, finished REAL,
    UNIQUE (owner, idempotency_key)
);
CREATE TABLE results (
    job TEXT NOT NULL, name TEXT NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,
    PRIMARY KEY (job, name)
);
CREATE TABLE events (
    number INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, state TEXT NOT NULL, phase TEXT NOT NULL,
    step INTEGER NOT NULL, steps INTEGER NOT NULL, previews INTEGER NOT NULL, error TEXT NOT NULL
);
CREATE TABLE transitions (source TEXT, target TEXT, PRIMARY KEY (source, target));
CREATE TABLE workers (
    number INTEGER PRIMARY KEY, state TEXT NOT NULL, device TEXT NOT NULL,
    memory_free INTEGER, memory_total INTEGER
);
CREATE TABLE tokens (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, digest BLOB NOT NULL, scopes TEXT NOT NULL,
    created REAL NOT NULL, revoked REAL
);
INSERT INTO transitions VALUES ('queued', 'running'), ('running', 'done');
CREATE TRIGGER gone AFTER DELETE ON jobs
BEGIN DELETE FROM events WHERE job = OLD.id; DELETE FROM results WHERE job = OLD.id; END;
CREATE TRIGGER only_what_is_over_goes BEFORE DELETE ON jobs
WHEN EXISTS (SELECT 1 FROM transitions WHERE source = OLD.state)
BEGIN SELECT RAISE(ABORT, 'a job that is not over cannot be deleted'); END;
INSERT INTO jobs (id, state, created, finished) VALUES ('a', 'done', 1, 2);
INSERT INTO jobs (id, created) VALUES ('b', 3);
PRAGMA user_version = 2;
"""
