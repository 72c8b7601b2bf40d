"""A worker that neither works nor dies."""

import errno
import sys
import time

import pytest

from isa_engine.client.protocol import JobStatus
from isa_engine.service.operation.conditions import Conditions
from isa_engine.service.operation.configuration import ServiceConfig
from isa_engine.service.queue.claims import MAX_STALLS
from isa_engine.service.work import supervisor as supervisor_module
from isa_engine.service.work.supervisor import Supervisor, death_sentence
from tests.service.running import eventually

SLEEPS = (sys.executable, "-c", "import sys; sys.stdin.read()")


def ended(store, job: str, attempt: int) -> JobStatus:
    status = store.status(job)
    return status if status.attempt == attempt and status.state != "running" else None


def test_a_job_over_which_workers_only_ever_hang_is_given_up_with_the_reason(store, folders, monkeypatch):
    monkeypatch.setattr(supervisor_module, "_POLL_SECONDS", 0.01)
    store.add("a")
    with Supervisor(store, folders, SLEEPS, ServiceConfig(silent_minutes=0.001)) as supervisor:
        for attempt in range(1, MAX_STALLS + 1):
            store.set_worker("ready", "cpu", supervisor.number)
            eventually(lambda: supervisor.worker, "a worker lives")
            assert store.claim(supervisor.number).attempt == attempt
            status = eventually(lambda: ended(store, "a", attempt), "it is ended")  # noqa: B023
    assert status.state == "failed"
    assert (
        status.error == "The engine's worker hung: it said nothing for 0.001 minutes. Its log may say more."
    )


def test_a_worker_that_hangs_between_two_jobs_is_replaced(store, folders, monkeypatch):
    monkeypatch.setattr(supervisor_module, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(supervisor_module, "QUIET_MINUTES", 0.005)
    with Supervisor(store, folders, SLEEPS) as supervisor:
        first = eventually(lambda: supervisor.worker, "a worker lives")
        store.set_worker("ready", "cpu", supervisor.number)
        until = time.monotonic() + 0.6

        def lives_longer_than_a_silent_one_may() -> bool:
            store.beat(supervisor.number)
            assert supervisor.worker is first, "one that says that it lives is left alone"
            return time.monotonic() > until

        eventually(lives_longer_than_a_silent_one_may, "time passes")
        eventually(lambda: supervisor.worker is not first, "another worker comes")


def test_the_supervisor_outlives_every_error_and_says_that_no_worker_starts(store, folders, monkeypatch):
    tries, start = [], supervisor_module.subprocess.Popen
    monkeypatch.setattr(supervisor_module, "LONGEST_PAUSE_SECONDS", 0.01)

    def unlucky(*arguments, **options):
        tries.append(arguments)
        if len(tries) < 6:
            raise [OSError(errno.EMFILE, "Too many open files"), MemoryError(), RuntimeError("odd")][
                len(tries) % 3
            ]
        return start(*arguments, **options)

    monkeypatch.setattr(supervisor_module.subprocess, "Popen", unlucky)
    locked = [OSError(errno.EBUSY, "locked")]
    workers = store.workers
    monkeypatch.setattr(store, "workers", lambda: [][len(locked)] if locked and locked.pop() else workers())
    conditions = Conditions()
    with Supervisor(store, folders, SLEEPS, conditions=conditions) as supervisor:
        eventually(conditions.sentences, "it is said that no worker starts")
        eventually(lambda: supervisor.worker, "a worker lives at last")
        store.set_worker("ready", "cpu", supervisor.number)
        eventually(lambda: conditions.sentences() == [], "and it is well again")
    assert len(tries) == 6


def test_an_engine_ends_as_usual_where_the_queue_can_no_longer_be_written(store, folders, monkeypatch):
    with Supervisor(store, folders, SLEEPS) as supervisor:
        eventually(lambda: supervisor.worker, "a worker lives")
        monkeypatch.setattr(store, "set_worker", full_disk)
    assert supervisor.worker.poll() is not None


def full_disk(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("code", range(-70, 256))
def test_every_way_to_die_has_its_sentence(code):
    assert death_sentence(code).startswith("The engine's worker died (")


def test_every_word_of_a_worker_counts_as_one(store):
    store.add("a")
    claim = store.claim(4)
    told = [store.running(4)]
    for step in range(1, 4):
        store.report(claim, "denoise", step, 3, preview=False, seconds=step)
        told.append(store.running(4))
        store.saved(claim, step)
        told.append(store.running(4))
    assert len(set(told)) == 7
    assert store.running(5) is None
