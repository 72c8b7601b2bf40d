"""A worker that neither works nor dies."""

import sys

from isa_engine.client.protocol import JobStatus
from isa_engine.service import supervisor as supervisor_module
from isa_engine.service.claims import MAX_STALLS
from isa_engine.service.configuration import ServiceConfig
from isa_engine.service.supervisor import Supervisor
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
