"""The courses of jobs: who waits for whom, and what becomes of them at the end."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from isa_blender_addon.engine.queue import Job
from isa_blender_addon.engine.snapshot import JobSnapshot
from isa_blender_addon.session.progress import courses as module
from isa_blender_addon.session.progress.course import Course
from isa_blender_addon.session.progress.courses import Courses
from isa_blender_addon.takes.take import Take
from isa_engine.geometry.frames import Made
from isa_engine.shot import Settings

EXPECTED = {"queue": 0.0, "denoise": 60.0}


class Queue:
    """Jobs and takes as a test sets them."""

    def __init__(self):
        self.now: dict[str, Job] = {}
        self.here: list[Take] = []

    def set(self, name: str, state: str, **snapshot) -> None:
        stands = "failed" if state == "failed" else "sent"
        take = Take(Path("/takes", name), "s", "", "Scene", (1, 9, 1), Settings(), state=stands)
        self.now[name] = Job(take, state, JobSnapshot(state, **snapshot))

    def jobs(self) -> list[Job]:
        return list(self.now.values())

    def arrived(self) -> list[Take]:
        return self.here

    def take(self, folder: Path) -> Take | None:
        return self.now[folder.name].take if folder.name in self.now else None


@pytest.fixture
def queue(monkeypatch):
    monkeypatch.setattr(module, "scene_of", lambda take: object())
    monkeypatch.setattr(module, "job_seconds", lambda *_: EXPECTED)
    return Queue()


@pytest.fixture
def following(queue):
    ended = []
    engine = SimpleNamespace(workers=1, ready=True, device="cpu", memory=None)
    found = Courses(queue, engine, ended.append)
    found.told, found.engine = ended, engine
    return found


def left(following, name: str) -> float:
    return following.of(Path("/takes", name)).left


def test_each_job_waits_for_those_before_it(queue, following):
    queue.set("a", "running", phase="denoise", step=0, steps=10)
    following.follow()
    for name in "bc":
        following.begin(Path("/takes", name), Course({"queue": following.ahead, "denoise": 60.0}))
        queue.set(name, "queued")
        following.follow()
    assert [left(following, name) for name in "abc"] == pytest.approx([60, 120, 180], abs=1)
    del queue.now["a"]
    following.follow()
    assert [left(following, name) for name in "bc"] == pytest.approx([60, 120], abs=1)


def test_a_job_of_an_earlier_blender_counts_what_is_made_of_its_take(queue, following, monkeypatch):
    asked = []
    monkeypatch.setattr(module, "job_seconds", lambda *told: asked.append(told[-1]) or EXPECTED)
    queue.set("a", "queued")
    job = queue.now["a"]
    made = (Made(9, 1, 3),)
    queue.now["a"] = replace(job, take=replace(job.take, made=made))
    following.follow()
    assert asked == [made]


def test_an_engine_of_two_workers_takes_two_at_once(queue, following):
    following.engine.workers = 2
    for name in "abc":
        queue.set(name, "queued")
    following.follow()
    assert following.ahead == pytest.approx(60, abs=1)


def test_a_phase_that_nobody_knows_and_an_engine_that_is_silent_change_nothing(queue, following):
    queue.set("a", "running", phase="denoise", step=5, steps=10)
    following.follow()
    before = left(following, "a")
    for state, phase in (("running", "polish"), ("running", ""), ("lost", "denoise")):
        queue.set("a", state, phase=phase, step=1, steps=2)
        following.follow()
        assert left(following, "a") == pytest.approx(before)


def test_the_end_is_told_once_and_a_cancelled_job_is_no_end(queue, following):
    for name in "ab":
        queue.set(name, "running", phase="denoise", step=1, steps=10)
    following.follow()
    queue.set("a", "failed")
    queue.set("b", "cancelled")
    for _ in range(2):
        following.follow()
    assert [take.name for take in following.told] == ["a"]
    assert following.of(Path("/takes/a")) is following.of(Path("/takes/b")) is None
