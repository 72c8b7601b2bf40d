"""What was answered for is on the disk before it is said; ``tests.service.crashes`` cuts the power."""

import os

import pytest

from isa_engine.client.protocol import RESULTS
from isa_engine.service.queue import sqlite
from isa_engine.service.queue.claims import Claims
from isa_engine.service.queue.store import JobStore
from isa_engine.service.work.worker import Worker
from tests.service import stub_engine
from tests.service.running import upload
from tests.service.stub_engine import FAST


@pytest.fixture
def happened(monkeypatch) -> list[str]:
    """What was flushed and what was committed, in the order in which it happened."""
    order, fsync = [], os.fsync

    def flushed(descriptor: int) -> None:
        fsync(descriptor)
        order.append(os.readlink(f"/proc/self/fd/{descriptor}"))

    def committed(what: str, write):
        def wrapped(*arguments, **options):
            found = write(*arguments, **options)
            order.append(what)
            return found

        return wrapped

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(JobStore, "add", committed("queued", JobStore.add))
    monkeypatch.setattr(Claims, "finish", committed("done", Claims.finish))
    return order


def test_a_shot_and_its_name_are_on_the_disk_before_the_job_is_in_the_queue(api, folders, happened):
    assert api.post("/v1/jobs", content=upload(FAST)).status_code == 201
    [shot] = [path for path in happened if path.endswith(".part")]
    assert os.path.dirname(shot) == str(folders.uploads)
    before = happened[: happened.index("queued")]
    assert before.index(shot) < before.index(str(folders.uploads))


def test_results_and_their_folders_are_on_the_disk_before_the_job_is_done(api, store, folders, happened):
    job = api.post("/v1/jobs", content=upload(FAST)).json()["id"]
    Worker(folders, stub_engine.load_model, stub_engine.generate).work()
    assert store.status(job).state == "done"
    out = folders.results(job, 1)
    before = happened[: happened.index("done")]
    for path in (*(out / name for name in RESULTS), out, out.parent, folders.jobs):
        assert str(path) in before
    assert before.index(str(out)) > max(before.index(str(out / name)) for name in RESULTS)


def test_what_is_committed_to_the_queue_is_on_the_disk(store):
    full = 2
    assert store.run("PRAGMA synchronous") == [(full,)]
    assert sqlite.SYNCHRONOUS == "FULL"


def test_the_checksums_are_of_what_the_disk_has(api, store, folders, monkeypatch):
    """The disk changes what was written, and keeps it so: the digest is of that."""
    job = api.post("/v1/jobs", content=upload(FAST)).json()["id"]
    fsync, changed = os.fsync, []

    def changing(descriptor: int) -> None:
        fsync(descriptor)
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        if path.endswith("plate.mp4"):
            with open(path, "ab") as file:
                file.write(b"!")
            changed.append(path)

    monkeypatch.setattr(os, "fsync", changing)
    Worker(folders, stub_engine.load_model, stub_engine.generate).work()
    [path] = changed
    [listed] = [file for file in store.results(job) if file.name == "plate.mp4"]
    assert listed.bytes == os.path.getsize(path)
