"""A job as Blender sees it: it always ends, in time, and says how; nothing here needs Blender."""

import contextlib
import math
import shutil
import sqlite3
import threading
from dataclasses import replace

from isa_blender_addon.engine import jobs
from isa_blender_addon.engine.jobs import JobRunner
from isa_blender_addon.engine.orders import keep_log
from isa_blender_addon.engine.process import RemoteEngine
from isa_blender_addon.takes.files import ARRIVING
from isa_engine.client import EngineClient, transfer
from isa_engine.client.protocol import RESULTS
from isa_engine.service.queue.store import JobStore
from isa_engine.shot import encode_shot
from tests.addon.engine.runners import ended, reached, started
from tests.full_disk import room_for
from tests.service.client.bad_network import broken
from tests.service.running import LONG, eventually, shot_of_kind, upload
from tests.service.stub_engine import BROKEN, ENDLESS, FAST, KILLED


def test_a_shot_goes_out_and_its_results_come_back(remote, tmp_path):
    runner = started(remote, FAST, tmp_path / "new" / "take")
    snapshot = ended(runner)
    assert (snapshot.state, snapshot.error) == ("done", "")
    assert {file.name for file in (tmp_path / "new" / "take").iterdir()} - {"preview.png"} == set(RESULTS)
    assert (tmp_path / "new" / "take" / "plate.mp4").read_bytes().startswith(b"plate.mp4 of isa-tiny")


def test_whoever_starts_a_job_or_looks_at_it_or_cancels_it_is_never_held_up(remote, tmp_path):
    released = threading.Event()
    runner = JobRunner(remote, lambda: released.wait() and upload(FAST), tmp_path / "take")
    runner.start()
    assert not runner.snapshot().over
    runner.cancel()
    # We are here, though the job's thread has waited all the while.
    released.set()
    assert ended(runner).state == "cancelled"


def test_progress_can_be_read_at_any_time(remote, tmp_path):
    runner = started(remote, ENDLESS, tmp_path / "take", steps=4)
    snapshot = eventually(lambda: (s := runner.snapshot()).preview and s, "there is a preview")
    assert (snapshot.state, snapshot.phase, snapshot.steps) == ("running", "denoise", 4)
    assert snapshot.preview.read_bytes().startswith(b"\x89PNG")
    runner.cancel()
    assert ended(runner).state == "cancelled"


def test_cancelling_a_running_job_ends_it_there_too_and_brings_nothing(remote, engine, tmp_path):
    runner = started(remote, ENDLESS, tmp_path / "take")
    reached(runner, "running")
    runner.cancel()
    assert ended(runner).state == "cancelled"
    assert {file.name for file in (tmp_path / "take").iterdir()} <= {"preview.png"}
    assert ended(started(remote, FAST, tmp_path / "next")).state == "done", "the worker is free again"


def test_cancelling_a_download_that_stands_still_ends_it_and_leaves_the_older_plate(
    engine, tmp_path, monkeypatch
):
    # It does not end by itself.
    monkeypatch.setattr(jobs, "ANSWER_SECONDS", 10 * LONG)
    (tmp_path / "plate.mp4").write_bytes(b"older")
    # Long enough for all that is said of a job, and too short for its plate.
    with broken(engine.url, lambda number: 100_000, silent=True) as url:
        runner = started(RemoteEngine(url, engine.first_line["token"]), FAST, tmp_path)
        eventually(lambda: [*tmp_path.glob(f"{ARRIVING}*/plate.mp4.part")], "its plate is on the way")
        runner.cancel()
        assert ended(runner).state == "cancelled"
    assert {path.name for path in tmp_path.iterdir()} <= {"plate.mp4", "preview.png"}
    assert (tmp_path / "plate.mp4").read_bytes() == b"older"


def test_cancelling_an_upload_ends_it_on_the_way(remote, engine, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "_CHUNK", 2**10)
    before = engine.client.jobs()

    def cancelled_meanwhile() -> bytes:
        runner.cancel()
        return upload(FAST)

    runner = JobRunner(remote, cancelled_meanwhile, tmp_path / "take")
    runner.start()
    assert ended(runner).state == "cancelled"
    assert engine.client.jobs() == before


def test_cancelling_a_queued_job_ends_it_at_once(remote, tmp_path):
    first = started(remote, ENDLESS, tmp_path / "first")
    reached(first, "running")
    second = started(remote, FAST, tmp_path / "second")
    reached(second, "queued")
    second.cancel()
    assert ended(second).state == "cancelled"
    assert first.snapshot().state == "running"
    first.cancel()
    ended(first)


def test_a_job_that_waits_at_the_engine_says_why(engine, remote, tmp_path, monkeypatch):
    first = started(remote, ENDLESS, tmp_path / "first")
    reached(first, "running")
    second = started(remote, FAST, tmp_path / "second")
    reached(second, "queued")
    with contextlib.closing(JobStore(engine.data / "queue.sqlite3")) as store:
        # As the service does where the host has been ill for a while.
        eventually(
            lambda: (
                store.tell_waiting("The engine's disk is full.")
                or second.snapshot().error == "The engine's disk is full."
            ),
            "it says why",
        )
    first.cancel()
    snapshot = ended(second)
    assert (snapshot.state, snapshot.error) == ("done", "")


def test_an_engine_holds_a_job_goes_on_and_is_told_other_words(engine, remote, tmp_path):
    runner = started(remote, ENDLESS, tmp_path / "Sc 010")
    job = reached(runner, "running").job
    assert engine.client.job(job).name == "Sc 010"
    runner.order(EngineClient.hold)
    reached(runner, "held")
    runner.order(lambda client, job: client.change(job, priority=9, comment="not before noon"))
    eventually(lambda: runner.snapshot().comment == "not before noon", "it is told")
    assert engine.client.job(job).priority == 9
    runner.order(EngineClient.resume)
    reached(runner, "running")
    runner.order(keep_log(tmp_path / "Sc 010"))
    log = tmp_path / "Sc 010" / "log.txt"
    eventually(lambda: log.is_file() and "attempt 2 begins" in log.read_text(), "its log is here")
    runner.cancel()
    ended(runner)


def test_an_order_that_is_refused_says_why_and_the_job_goes_on(remote, tmp_path):
    runner = started(remote, ENDLESS, tmp_path / "take")
    reached(runner, "running")
    runner.order(EngineClient.resume)
    eventually(lambda: "Only what was held goes on" in runner.snapshot().said, "it says why")
    assert runner.snapshot().state == "running"
    runner.cancel()
    ended(runner)


def test_the_log_of_a_job_that_failed_is_here_without_asking(remote, tmp_path):
    ended(started(remote, BROKEN, tmp_path / "take"))
    assert "ZeroDivisionError" in (tmp_path / "take" / "log.txt").read_text()


def test_a_job_that_the_engine_cannot_do_says_why(remote, tmp_path):
    snapshot = ended(started(remote, BROKEN, tmp_path / "take"))
    assert snapshot.state == "failed"
    assert (
        snapshot.error == "The engine failed: ZeroDivisionError('secret of the engine'). Its log says more."
    )


def test_a_shot_that_is_not_whole_is_never_sent(remote, tmp_path):
    shot = replace(shot_of_kind(FAST), frame_numbers=shot_of_kind(FAST).frame_numbers[:0])
    runner = JobRunner(remote, lambda: encode_shot(shot), tmp_path / "take")
    runner.start()
    snapshot = ended(runner)
    assert (snapshot.state, snapshot.error) == (
        "failed",
        "the frame range is empty (shot). Set the end after the start.",
    )


def test_a_job_that_always_kills_its_worker_ends_with_a_sentence_and_the_next_one_works(remote, tmp_path):
    snapshot = ended(started(remote, KILLED, tmp_path / "take"))
    assert snapshot.state == "failed"
    assert "most likely out of memory" in snapshot.error
    assert ended(started(remote, FAST, tmp_path / "take")).state == "done"


def test_a_full_disk_leaves_an_older_take_as_it_was(remote, tmp_path):
    take = tmp_path / "take"
    take.mkdir()
    for name in RESULTS:
        (take / name).write_text("older")
    # Each stub result is this name and 5,000 lines of it: plate.mp4 fits, record.json does not.
    checksum = "0" * 64
    with room_for(len(f"plate.mp4 of isa-tiny {checksum}\n") * 5_000):
        snapshot = ended(started(remote, FAST, take))
    assert snapshot.state == "failed"
    assert snapshot.error.startswith("cannot write record.json: ")
    assert f"({take}). Free some space" in snapshot.error
    files = {file.name: file.read_bytes() for file in take.iterdir() if file.name != "preview.png"}
    assert files == dict.fromkeys(RESULTS, b"older")


def test_a_folder_that_cannot_be_written_is_said_before_the_engine_works(remote, engine, tmp_path):
    (tmp_path / "file").touch()
    snapshot = ended(started(remote, FAST, tmp_path / "file" / "take"))
    assert snapshot.state == "failed"
    assert str(tmp_path / "file") in snapshot.error


def test_a_plate_comes_though_its_folder_was_thrown_away_meanwhile(remote, tmp_path):
    take = tmp_path / "isa" / "take"

    def shot() -> bytes:
        shutil.rmtree(tmp_path / "isa")
        return upload(FAST)

    runner = JobRunner(remote, shot, take)
    runner.start()
    assert ended(runner).state == "done"
    assert {file.name for file in take.iterdir()} - {"preview.png"} == set(RESULTS)


def test_a_result_that_is_damaged_at_the_engine_ends_the_job_with_a_sentence(remote, engine, tmp_path):
    """As after a power cut: the file is shorter than the checksum's."""
    job = engine.client.submit(upload(FAST))
    eventually(lambda: engine.client.job(job).over, "the job is done")
    (plate,) = (engine.data / "jobs" / job).glob("results-*/plate.mp4")
    plate.write_bytes(b"")
    runner = JobRunner(remote, lambda: upload(FAST), tmp_path / "take", job=job, patience=math.inf)
    runner.start()
    snapshot = ended(runner)
    assert snapshot.state == "failed"
    assert snapshot.error.startswith("plate.mp4 has 0 of its")
    assert not (tmp_path / "take" / "plate.mp4").exists()


def test_a_job_that_an_earlier_version_made_comes_without_the_latents_that_it_lacks(remote, engine, tmp_path):
    job = engine.client.submit(upload(FAST))
    eventually(lambda: engine.client.job(job).over, "the job is done")
    (latents,) = (engine.data / "jobs" / job).glob("results-*/latents.npy")
    latents.unlink()
    with contextlib.closing(sqlite3.connect(engine.data / "queue.sqlite3")) as queue:
        queue.execute("DELETE FROM results WHERE job = ? AND name = 'latents.npy'", (job,))
        queue.commit()
    runner = JobRunner(remote, lambda: upload(FAST), tmp_path / "take", job=job)
    runner.start()
    assert ended(runner).state == "done"
    found = {path.name for path in (tmp_path / "take").iterdir()}
    assert found >= {"plate.mp4", "matte.mp4", "record.json", "shot.npz"}
    assert "latents.npy" not in found


def test_a_job_that_the_engine_does_not_know_is_not_sent_anew_unasked(remote, engine, tmp_path):
    before = len(engine.client.jobs())
    runner = JobRunner(remote, lambda: upload(FAST), tmp_path / "take", job="f" * 32)
    runner.start()
    snapshot = ended(runner)
    assert (snapshot.state, snapshot.job) == ("failed", "")
    assert "does not have this job any more. Go on to send it again" in snapshot.error
    assert len(engine.client.jobs()) == before


def test_a_job_whose_engine_refuses_the_token_is_not_lost(engine, tmp_path):
    job = engine.client.submit(upload(FAST))
    runner = JobRunner(RemoteEngine(engine.url, "wrong"), lambda: b"", tmp_path / "take", job=job)
    runner.start()
    snapshot = ended(runner)
    assert (snapshot.state, snapshot.job) == ("failed", job)
    assert "refuses the token" in snapshot.error


def test_an_unforeseen_mistake_is_shown_and_not_a_job_for_ever(remote, tmp_path, monkeypatch):
    monkeypatch.setattr(threading, "excepthook", lambda arguments: None)
    runner = JobRunner(remote, lambda: 1 / 0, tmp_path / "take")
    runner.start()
    snapshot = ended(runner)
    assert (snapshot.state, "ZeroDivisionError" in snapshot.error) == ("failed", True)
