"""A job's way through the running service, and what may happen to it there."""

import os
import signal

import pytest

from isa_engine.client.protocol import RESULTS
from isa_engine.errors import EngineError
from isa_engine.service.queue.claims import MAX_STALLS
from tests.service.running import alive, eventually, upload
from tests.service.stub_engine import (
    ASIDE,
    BROKEN,
    DISK_FULL,
    ENDLESS,
    FAST,
    HANGS_ONCE,
    KILLED,
    OUT_OF_MEMORY,
    REFUSED,
)


def over(engine, job):
    return eventually(lambda: (s := engine.client.job(job)).over and s, "the job is over")


def running(engine, job):
    return eventually(lambda: engine.client.job(job).state == "running", "the job runs")


def stuck(engine, job):
    """Wait until all steps of an endless job are saved: it gets no further."""
    return eventually(lambda: 0 < (s := engine.client.job(job)).steps == s.step, "the job is stuck")


def test_a_shot_becomes_its_results(engine, tmp_path):
    job = engine.client.submit(upload(FAST, steps=5))
    status = over(engine, job)
    assert (status.state, status.phase, status.step, status.steps) == ("done", "denoise", 5, 5)
    assert (status.previews, status.error) == (5, "")
    assert status.created <= status.started <= status.finished
    for name in RESULTS:
        engine.client.fetch(job, name, tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(f"{name} of isa-tiny".encode())
    engine.client.fetch_preview(job, tmp_path / "preview.png")
    assert (tmp_path / "preview.png").read_bytes().startswith(b"\x89PNG")


def test_progress_and_preview_show_while_the_job_runs(engine, tmp_path):
    job = engine.client.submit(upload(ENDLESS, steps=7))
    status = eventually(lambda: (s := engine.client.job(job)).previews == 7 and s, "seven previews")
    assert (status.state, status.phase, status.steps) == ("running", "denoise", 7)
    engine.client.fetch_preview(job, tmp_path / "preview.png")
    with pytest.raises(EngineError, match="The job is running, so it has no results"):
        engine.client.fetch(job, "plate.mp4", tmp_path / "plate.mp4")
    assert list(tmp_path.iterdir()) == [tmp_path / "preview.png"]
    engine.client.cancel(job)


def test_jobs_run_in_the_order_in_which_they_came(engine):
    first = engine.client.submit(upload(ENDLESS))
    running(engine, first)
    second, third = (engine.client.submit(upload(FAST)) for _ in range(2))
    assert engine.client.job(second).state == engine.client.job(third).state == "queued"
    engine.client.cancel(first)
    assert over(engine, third).started >= over(engine, second).finished


def test_a_running_job_can_be_cancelled_and_the_worker_goes_on(engine):
    pid = engine.worker_pid()
    job = engine.client.submit(upload(ENDLESS))
    running(engine, job)
    engine.client.cancel(job)
    assert over(engine, job).state == "cancelled"
    assert over(engine, engine.client.submit(upload(FAST))).state == "done"
    assert engine.worker_pid() == pid


def test_a_queued_job_is_cancelled_at_once_and_never_runs(engine):
    first = engine.client.submit(upload(ENDLESS))
    running(engine, first)
    second = engine.client.submit(upload(FAST))
    assert engine.client.cancel(second).state == "cancelled"
    engine.client.cancel(first)
    last = engine.client.submit(upload(FAST))
    assert over(engine, last).state == "done"
    assert engine.client.job(second).started is None


def test_cancelling_a_job_that_is_over_changes_nothing(engine):
    job = engine.client.submit(upload(FAST))
    status = over(engine, job)
    assert engine.client.cancel(job) == status


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (OUT_OF_MEMORY, "The engine ran out of memory. Generate fewer frames, or a smaller picture."),
        (REFUSED, "this shot is not to my taste. Stage another"),
        (BROKEN, "The engine failed: ZeroDivisionError('secret of the engine'). Its log says more."),
    ],
)
def test_a_failure_is_a_sentence_and_leaves_no_files(engine, kind, sentence):
    job = engine.client.submit(upload(kind))
    status = over(engine, job)
    assert (status.state, status.error) == ("failed", sentence)
    assert list((engine.data / "jobs" / job).glob("results-*")) == []


def test_what_a_job_puts_aside_is_on_the_disk_whose_room_is_watched(engine):
    """The system's temporary folder may be memory, or a small partition."""
    status = over(engine, engine.client.submit(upload(ASIDE)))
    assert status.error == f"things are put aside in {engine.data}"


def test_a_killed_workers_job_goes_on_with_the_next_worker_from_its_last_step(engine):
    pid = engine.worker_pid()
    job = engine.client.submit(upload(ENDLESS, steps=5))
    eventually(lambda: engine.client.job(job).step == 5, "all steps are done")
    os.kill(pid, signal.SIGKILL)
    again = eventually(lambda: (s := engine.client.job(job)).attempt == 2 and s.step and s, "it goes on")
    # The stub makes a preview at every step that it does, so it did none of them twice.
    assert (again.state, again.previews) == ("running", 5)
    assert engine.worker_pid() != pid
    engine.client.cancel(job)
    assert over(engine, job).state == "cancelled"


def test_a_job_that_only_ever_kills_its_worker_is_given_up_with_the_reason_and_the_next_runs(engine):
    job = engine.client.submit(upload(KILLED))
    waiting = engine.client.submit(upload(FAST))
    status = over(engine, job)
    assert (status.state, status.attempt) == ("failed", MAX_STALLS)
    assert status.error.startswith(
        "The engine's worker died (killed by the system, most likely out of memory)."
    )
    assert over(engine, waiting).state == "done"


def test_a_worker_that_hangs_is_ended_and_its_job_goes_on_from_its_last_step(run_engine):
    engine = run_engine(ISA_ENGINE_SILENT_MINUTES="0.1")
    status = over(engine, engine.client.submit(upload(HANGS_ONCE, steps=5)))
    # The stub makes a preview at every step that it does, so it did none of them twice.
    assert (status.state, status.previews) == ("done", 5)
    assert status.attempt >= 2, "on a busy machine a worker that is only slow may be taken to hang, too"


def test_a_job_over_its_time_is_failed_with_the_reason_and_the_next_runs(run_engine):
    # Long enough for the second job on a busy machine: 5.4 seconds.
    engine = run_engine(ISA_ENGINE_JOB_HOURS="0.0015")
    status = over(engine, engine.client.submit(upload(ENDLESS)))
    assert (status.state, status.attempt) == ("failed", 1)
    assert status.error.lower().startswith("the job took longer than the 0.0015 hours")
    assert over(engine, engine.client.submit(upload(FAST))).state == "done"


def test_a_worker_that_never_starts_is_told_to_whoever_waits(run_engine):
    engine = run_engine(STUB_DIES_WHILE_STARTING="1", STUB_WAIT_SECONDS="0.5")
    job = engine.client.submit(upload(FAST))
    status = eventually(lambda: (s := engine.client.job(job)).error and s, "it is told why it waits")
    assert status.state == "queued"
    eventually(lambda: "The engine's worker does not start." in engine.client.job(job).error, "why")
    health = engine.client.health()
    assert (health.worker, "The engine's worker does not start." in health.trouble) == ("starting", True)


def test_a_host_that_is_ill_fails_no_job_and_the_queue_stands_still_with_the_reason(run_engine):
    engine = run_engine()
    jobs = [engine.client.submit(upload(kind, steps=5)) for kind in (DISK_FULL, FAST)]
    eventually(lambda: "disk is full" in engine.client.health().trouble, "the reason is told")
    eventually(lambda: engine.client.job(jobs[0]).attempt >= 2, "it is tried again")
    assert {engine.client.job(job).state for job in jobs} <= {"queued", "running"}
    (engine.data / "well").touch()
    for job in jobs:
        eventually(lambda job=job: engine.client.job(job).over, "it is over")
    first = engine.client.job(jobs[0])
    # The stub makes a preview at every step that it does, so it did none of them twice.
    assert (first.state, first.previews) == ("done", 5)
    assert engine.client.health().trouble == ""


@pytest.mark.parametrize(
    ("becomes", "sentence"),
    [
        # The time of its first member: a shot all the same, and only its checksum tells.
        (lambda content: content[:10] + b"?" + content[11:], "the shot was damaged on the engine's disk"),
        (lambda content: b"", "the shot is no longer on the engine's disk"),
    ],
)
def test_a_shot_that_the_disk_damaged_is_not_generated_and_the_job_says_so(engine, becomes, sentence):
    first = engine.client.submit(upload(ENDLESS))
    running(engine, first)
    job = engine.client.submit(upload(FAST))
    shot = engine.data / "jobs" / job / "shot.npz"
    shot.write_bytes(becomes(shot.read_bytes()))
    engine.client.cancel(first)
    status = over(engine, job)
    assert (status.state, status.reason, status.error) == ("failed", "damaged", f"{sentence}. Send it again.")
    assert over(engine, engine.client.submit(upload(FAST))).state == "done"


def test_no_job_fails_while_its_folder_is_away_and_they_go_on_when_it_is_back(run_engine):
    engine = run_engine()
    running(engine, ran := engine.client.submit(upload(ENDLESS)))
    waited = engine.client.submit(upload(FAST))
    (engine.data / "jobs").rename(engine.data / "elsewhere")
    engine.client.cancel(ran)
    eventually(lambda: "data folder went away" in engine.client.health().trouble, "the reason is told")
    came = engine.client.submit(upload(FAST))
    assert {engine.client.job(job).state for job in (waited, came)} == {"queued"}
    (engine.data / "elsewhere").rename(engine.data / "jobs")
    assert [over(engine, job).state for job in (waited, came)] == ["done", "done"]


def test_jobs_survive_the_service(run_engine):
    engine = run_engine()
    pid = engine.worker_pid()
    ran, waited = engine.client.submit(upload(ENDLESS)), engine.client.submit(upload(FAST))
    running(engine, ran)
    engine.process.kill()
    engine.process.wait()
    eventually(lambda: not alive(pid), "the worker ends with its service")

    engine = run_engine()
    running(engine, ran)
    engine.client.cancel(ran)
    assert over(engine, ran).state == "cancelled"
    assert over(engine, waited).state == "done"


def test_a_job_that_takes_the_service_down_again_and_again_is_given_up(run_engine):
    engine = run_engine()
    job = engine.client.submit(upload(ENDLESS))
    for _ in range(MAX_STALLS):
        stuck(engine, job)
        engine.process.kill()
        engine.process.wait()
        engine = run_engine()
    status = engine.client.job(job)
    assert status.state == "failed"
    assert status.error.startswith(f"The engine went away {MAX_STALLS} times")
