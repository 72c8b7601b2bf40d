"""What goes, and when: by the time that the engine saw, whatever the clock says."""

import contextlib
import os

import pytest

from isa_engine.service.queue.store import JobStore
from isa_engine.service.upkeep.retention import Retention


def over_since(store, *jobs: str) -> None:
    for job in jobs:
        store.add(job)
        store.cancel(job)


def test_the_files_of_a_job_that_was_deleted_go_even_if_the_service_went_first(store, folders):
    store.add("a")
    folders.results("a", 1).mkdir(parents=True)
    store.cancel("a")
    store.delete("a")
    assert store.jobs() == []
    Retention(store, folders, days=30).tick()
    assert (list(folders.jobs.iterdir()), store.removals()) == ([], [])


def test_files_that_cannot_be_removed_keep_no_others(store, folders, monkeypatch):
    over_since(store, "a", "b")
    for job in ("a", "b"):
        folders.results(job, 1).mkdir(parents=True)
        store.delete(job)
    remove = folders.remove
    monkeypatch.setattr(folders, "remove", lambda job: remove(job) if job == "b" else os.rmdir(folders.root))
    Retention(store, folders, days=30).tick()
    assert ([path.name for path in folders.jobs.iterdir()], store.removals()) == (["a"], ["a"])
    monkeypatch.undo()
    Retention(store, folders, days=30).tick()
    assert (list(folders.jobs.iterdir()), store.removals()) == ([], [])


def test_retention_counts_what_the_engine_saw_and_a_jump_of_the_clock_deletes_nothing(
    store, folders, monkeypatch, caplog
):
    wall, seen = [1e9], [0.0]
    monkeypatch.setattr("time.time", lambda: wall[0])
    monkeypatch.setattr("time.monotonic", lambda: seen[0])
    retention = Retention(store, folders, days=3)
    over_since(store, "a")

    def go_on(clock: float, engine: float) -> list[str]:
        wall[0] += clock * 86400
        seen[0] += engine * 86400
        retention.tick()
        return store.jobs()

    assert go_on(0, 0) == ["a"]
    assert go_on(3650, 0.001) == ["a"], "ten years ahead"
    assert "Nothing is deleted for that time" in caplog.text
    assert go_on(-3650, 1) == ["a"], "and back: a day that is not counted"
    assert go_on(2.9, 2.9) == ["a"]
    assert go_on(0.2, 0.2) == [], "three days that the engine was there to see"


def test_of_the_time_that_the_engine_was_off_a_day_counts(store, folders, monkeypatch):
    wall = [1e9]
    monkeypatch.setattr("time.time", lambda: wall[0])
    over_since(store, "a")
    for expected in (["a"], ["a"], []):
        Retention(store, folders, days=1.5).tick()
        assert store.jobs() == expected
        wall[0] += 40 * 86400


def test_a_clock_that_begins_in_1970_deletes_nothing_when_it_is_set(store, folders, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 0.0)
    over_since(store, "a")
    monkeypatch.undo()
    for _ in range(2):
        Retention(store, folders, days=1).tick()
    assert store.jobs() == ["a"]


def test_an_upload_that_never_became_a_job_goes_no_sooner_than_a_job_that_is_over(
    store, folders, monkeypatch, caplog
):
    wall, seen = [1e9], [0.0]
    monkeypatch.setattr("time.time", lambda: wall[0])
    monkeypatch.setattr("time.monotonic", lambda: seen[0])
    caplog.set_level("INFO")
    lost, becomes, foreign = "a" * 32, "b" * 32, "notes.txt"
    for name in (lost, becomes, foreign):
        (folders.uploads / name).write_bytes(b"x")
    retention = Retention(store, folders, days=3)

    def go_on(clock: float, engine: float) -> set[str]:
        wall[0] += clock * 86400
        seen[0] += engine * 86400
        retention.tick()
        return {path.name for path in folders.uploads.iterdir()}

    assert go_on(0, 0) == {lost, becomes, foreign}
    store.add(becomes)
    assert go_on(3650, 0.001) == {lost, becomes, foreign}, "ten years ahead"
    assert go_on(2.9, 2.9) == {lost, becomes, foreign}
    assert go_on(0.2, 0.2) == {becomes, foreign}, "three days that the engine was there to see"
    assert "an upload that never became a job is deleted" in caplog.text
    assert go_on(40, 40) == {becomes, foreign}, "the queue knows the one, and the other is not ours"


def test_a_queue_that_is_new_counts_anew_before_an_upload_goes(store, folders, tmp_path, monkeypatch):
    wall = [1e9]
    monkeypatch.setattr("time.time", lambda: wall[0])
    (folders.uploads / ("a" * 32)).write_bytes(b"x")
    for _ in range(3):
        Retention(store, folders, days=2.5).tick()
        wall[0] += 86400
    with contextlib.closing(JobStore(tmp_path / "new.sqlite3")) as new:
        Retention(new, folders, days=2.5).tick()
    assert folders.uploaded() == ["a" * 32]
    Retention(store, folders, days=2.5).tick()
    assert folders.uploaded() == []


@pytest.mark.parametrize("days", [0, 0.5])
def test_an_upload_is_not_deleted_while_it_is_about_to_become_a_job(days, store, folders):
    (folders.uploads / ("a" * 32)).write_bytes(b"x")
    for _ in range(2):
        Retention(store, folders, days).tick()
    assert folders.uploaded() == ["a" * 32]
