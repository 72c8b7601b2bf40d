"""Jobs from Blender's side, begun and waited for."""

from pathlib import Path

from isa_blender_addon.engine.jobs import JobRunner
from isa_blender_addon.engine.snapshot import JobSnapshot
from tests.service.running import LONG, eventually, upload


def started(engine, kind: int, folder: Path, steps: int = 3, patience: float = LONG) -> JobRunner:
    runner = JobRunner(engine, lambda: upload(kind, steps), folder, patience=patience)
    runner.start()
    return runner


def ended(runner: JobRunner) -> JobSnapshot:
    snapshot = runner.wait(LONG)
    assert snapshot.over
    assert not runner._thread.is_alive()
    return snapshot


def reached(runner: JobRunner, state: str) -> JobSnapshot:
    return eventually(lambda: (s := runner.snapshot()).state == state and s, f"the job is {state}")
