"""The queue's rules, whoever breaks off when."""

import itertools
import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isa_engine.client.protocol import OVER, TRANSITIONS, ResultFile
from isa_engine.errors import EngineError
from isa_engine.service.queue.claims import MAX_STALLS
from isa_engine.service.queue.store import Conflict, JobStore, OverQuota


@pytest.mark.parametrize(("source", "target"), list(itertools.permutations(TRANSITIONS, 2)))
def test_the_database_itself_allows_exactly_the_transitions_that_are_written_down(
    store, folders, source, target
):
    with sqlite3.connect(folders.queue) as direct:
        direct.execute("INSERT INTO jobs (id, state, created) VALUES ('a', ?, 0)", (source,))
    change = ("UPDATE jobs SET state = ?", (target,))
    if target in TRANSITIONS[source]:
        with sqlite3.connect(folders.queue) as direct:
            direct.execute(*change)
        assert store.status("a").state == target
    else:
        with pytest.raises(sqlite3.IntegrityError), sqlite3.connect(folders.queue) as direct:
            direct.execute(*change)
        assert store.status("a").state == source


def test_the_oldest_queued_job_is_claimed_once(store, folders):
    for job in "abc":
        store.add(job)
    store.cancel("a")
    other = JobStore(folders.queue)
    assert [store.claim().id, other.claim().id] == ["b", "c"]
    assert store.claim() is None
    other.close()


def test_a_cancelled_job_is_told_to_its_worker_at_the_next_report(store):
    store.add("a")
    claim = store.claim()
    assert store.report(claim, "denoise", 1, 30, preview=True)
    store.cancel("a")
    assert store.status("a").state == "running"
    assert not store.report(claim, "denoise", 2, 30, preview=False)
    store.finish(claim, "cancelled")
    status = store.status("a")
    assert (status.state, status.step, status.previews) == ("cancelled", 1, 1)


def test_a_worker_of_an_earlier_attempt_can_change_nothing(store):
    store.add("a")
    old = store.claim()
    store.recover()
    new = store.claim()
    assert not store.report(old, "decode", 9, 9, preview=False)
    store.finish(old, "done")
    assert store.status("a").state == "running"
    assert store.report(new, "denoise", 1, 30, preview=False)


def test_recovery_queues_in_the_old_order_and_gives_up_in_the_end(store):
    store.add("a")
    store.add("b")
    for attempt in range(1, MAX_STALLS + 1):
        claim = store.claim()
        assert (claim.id, claim.attempt) == ("a", attempt)
        store.recover()
    assert store.status("a").state == "failed"
    assert store.status("a").error.startswith("The engine went away 3 times")
    assert store.claim().id == "b"


def test_a_job_that_was_to_be_cancelled_does_not_come_back(store):
    store.add("a")
    store.claim()
    store.cancel("a")
    store.recover()
    assert store.status("a").state == "cancelled"


def test_a_worker_dying_over_a_job_that_was_to_be_cancelled_is_not_its_failure(store):
    store.add("a")
    store.claim()
    store.cancel("a")
    store.worker_died("The engine's worker died.")
    assert (store.status("a").state, store.status("a").error) == ("cancelled", "")


def test_a_job_that_gets_further_each_time_is_never_given_up(store):
    store.add("a")
    for step in range(1, 5 * MAX_STALLS):
        claim = store.claim()
        store.saved(claim, step)
        store.worker_died("The worker died.")
    assert store.status("a").state == "queued"


def test_a_job_that_the_host_hinders_is_never_given_up_and_lets_the_others_go_first(store):
    for job in "ab":
        store.add(job)
    for _ in range(2 * MAX_STALLS):
        claim = store.claim()
        store.hinder(claim)
        if claim.id == "b":
            break
    assert store.status("a").attempt == MAX_STALLS
    assert {store.status(job).state for job in "ab"} == {"queued"}
    store.saved(again := store.claim(), 1)
    assert again.id == "b"
    store.hinder(again)
    assert store.claim().hindered == 1


def test_a_hindered_job_that_was_to_be_cancelled_is_cancelled(store):
    store.add("a")
    claim = store.claim()
    store.cancel("a")
    store.hinder(claim)
    assert store.status("a").state == "cancelled"


def test_a_job_that_failed_over_one_worker_is_for_another_and_for_the_first_where_that_is_gone(store):
    store.add("a")
    for worker in (0, 1):
        store.set_worker("ready", "cpu", worker)
    assert store.pass_on(store.claim(0), 0)
    assert store.claim(0) is None
    assert store.claim(1).elsewhere
    store.worker_died("The worker died.", 1)
    store.set_worker("starting", worker=1)
    claim = store.claim(0)
    assert (claim.id, store.pass_on(claim, 0)) == ("a", False)


def test_who_deletes_what_is_over_is_served_no_sooner(store):
    for number in range(6):
        for owner in "ab":
            store.add(f"{owner}{number}", owner)
    served = []
    for _ in range(8):
        claim = store.claim()
        served.append(claim.id[0])
        store.finish(claim, "done")
        if claim.id[0] == "a":
            store.delete(claim.id)
    assert served == list("abababab")


def test_whoever_waits_is_told_why_until_it_runs(store):
    store.add("a")
    store.tell_waiting("The disk is full.")
    assert (store.status("a").state, store.status("a").error) == ("queued", "The disk is full.")
    assert [event.error for event in store.events(0)] == ["", "The disk is full."]
    store.claim()
    assert store.status("a").error == ""


def test_a_worker_that_dies_puts_back_its_own_job_alone(store):
    store.add("a")
    store.add("b")
    assert [store.claim(worker).id for worker in (0, 1)] == ["a", "b"]
    store.worker_died("The worker died.", 1)
    assert [store.status(job).state for job in "ab"] == ["running", "queued"]


def test_tokens_take_turns_and_a_priority_holds_up_its_own_token_alone(store):
    for job, owner, priority in [
        *(("a1", "a", 0), ("a2", "a", 0), ("a3", "a", 100), ("b1", "b", -100), ("b2", "b", 0)),
        ("c1", "c", 0),
    ]:
        store.add(job, owner, priority=priority)
    served = [store.claim().id for _ in range(6)]
    assert served == ["a3", "b2", "c1", "a1", "b1", "a2"]


@settings(max_examples=30, deadline=None)
@given(owners=st.lists(st.sampled_from("abc"), min_size=1, max_size=20))
def test_no_token_waits_for_more_than_one_job_of_each_other(tmp_path_factory, owners):
    store = JobStore(tmp_path_factory.mktemp("queue") / "queue.sqlite3")
    for number, owner in enumerate(owners):
        store.add(f"{owner}{number}", owner)
    served = [store.claim().id[0] for _ in owners]
    for owner in set(owners):
        turns = [n for n, who in enumerate(served) if who == owner]
        for before, after in itertools.pairwise([-1, *turns]):
            between = served[before + 1 : after]
            assert len(between) == len(set(between))
    store.close()


def test_a_key_queues_the_same_shot_once_and_another_shot_never(store):
    assert store.add("a", "x", key="k", shot="1") == "a"
    assert store.add("b", "x", key="k", shot="1") == "a"
    assert store.add("c", "y", key="k", shot="1") == "c"
    with pytest.raises(Conflict):
        store.add("d", "x", key="k", shot="2")
    assert store.jobs() == ["a", "c"]


def test_quotas_are_of_a_token(store):
    store.add("a", "x", size=60, most_jobs=1)
    with pytest.raises(OverQuota, match="1 jobs in the queue"):
        store.add("b", "x", most_jobs=1)
    store.cancel("a")
    store.add("b", "x", size=30, most_jobs=1, most_bytes=100)
    with pytest.raises(OverQuota, match="Delete some"):
        store.add("c", "x", size=20, most_bytes=100)
    store.add("c", "y", size=20, most_bytes=100)
    store.delete("a")
    store.add("d", "x", size=20, most_bytes=100)


def test_every_change_is_an_event_and_what_is_deleted_takes_its_events_along(store):
    store.add("a")
    claim = store.claim()
    store.report(claim, "denoise", 1, 2, preview=False)
    store.report(claim, "denoise", 1, 2, preview=False)
    store.report(claim, "denoise", 2, 2, preview=True)
    store.finish(claim, "done")
    events = store.events(0, "a")
    told = [(event.state, event.step, event.previews) for event in events]
    assert told == [("queued", 0, 0), ("running", 0, 0), ("running", 1, 0), ("running", 2, 1), ("done", 2, 1)]
    assert store.events(events[1].number, "a") == events[2:]
    assert store.delete("a")
    assert store.events(0) == []


@pytest.mark.parametrize("state", TRANSITIONS)
def test_only_what_is_over_can_be_deleted(store, folders, state):
    with sqlite3.connect(folders.queue) as direct:
        direct.execute("INSERT INTO jobs (id, state, created) VALUES ('a', ?, 0)", (state,))
    assert store.delete("a") == (state in OVER)
    assert (store.status("a") is None) == (state in OVER)
    assert store.removals() == ["a"] * (state in OVER)


def test_a_clock_that_is_set_back_keeps_jobs_and_their_order(store, monkeypatch):
    store.add("a")
    store.finish(store.claim(), "done")
    store.add("b")
    monkeypatch.setattr("time.time", lambda: 1000.0)
    store.add("c")
    assert [store.claim().id, store.claim().id] == ["b", "c"]


def test_a_queue_of_another_version_is_refused(folders):
    with sqlite3.connect(folders.queue) as direct:
        direct.execute("CREATE TABLE jobs (id TEXT)")
    with pytest.raises(EngineError, match="another version"):
        JobStore(folders.queue)


ACTIONS = (
    "add",
    "claim",
    "report",
    "done",
    "failed",
    "cancel",
    "recover",
    "died",
    "tell",
    "hinder",
    "pass on",
    "reopen",
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=st.lists(st.sampled_from(ACTIONS), max_size=30))
def test_no_order_of_events_loses_a_job_or_brings_one_back(tmp_path_factory, actions):
    path = tmp_path_factory.mktemp("queue") / "queue.sqlite3"
    store, ended, claim, count = JobStore(path), {}, None, 0
    for action in actions:
        if action == "add":
            store.add(str(count))
            count += 1
        elif action == "claim":
            claim = store.claim() or claim
        elif action == "report" and claim:
            store.report(claim, "denoise", 1, 2, preview=False)
        elif action in ("done", "failed") and claim:
            store.finish(claim, action)
        elif action == "cancel" and count:
            store.cancel(str(count - 1))
        elif action == "recover":
            store.recover()
        elif action == "died":
            store.worker_died("The worker died.")
        elif action == "tell":
            store.tell_waiting("No worker comes up.")
        elif action == "hinder" and claim:
            store.hinder(claim)
        elif action == "pass on" and claim:
            store.pass_on(claim, 0)
        elif action == "reopen":
            store.close()
            store = JobStore(path)
        statuses = {job: store.status(job) for job in store.jobs()}
        assert list(statuses) == [str(n) for n in range(count)]
        told = {event.job: event.state for event in store.events(0)}
        assert told == {job: status.state for job, status in statuses.items()}
        for job, status in statuses.items():
            assert (status.finished is not None) == status.over
            assert status.state != "running" or not status.error
            assert ended.setdefault(job, status) == status if status.over else job not in ended
    store.close()


def test_what_failed_or_was_cancelled_is_queued_again_from_its_beginning(store):
    store.add("a")
    claim = store.claim()
    store.saved(claim, 5)
    store.finish(claim, "failed", "It rained.")
    assert store.requeue("a")
    status = store.status("a")
    assert (status.state, status.error, status.finished, status.step) == ("queued", "", None, 0)
    assert not store.requeue("a")
    store.finish(store.claim(), "done", results=(ResultFile("plate.mp4", 7, "00"),))
    assert not store.requeue("a")
    store.spoiled("a", "The plate is gone.")
    assert (store.status("a").state, store.results("a"), store.kept_bytes("")) == ("failed", [], 0)
    assert store.requeue("a")
