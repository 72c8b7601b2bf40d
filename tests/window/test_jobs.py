"""Jobs and takes by clicks, in a real Blender with its window."""

import json

import pytest

from tests.addon import fake_engine
from tests.addon.fake_engine import HELD
from tests.service.running import RunningEngine

pytestmark = [pytest.mark.window, pytest.mark.timeout(1800)]


@pytest.fixture
def engine(blender, tmp_path):
    """An engine that paints grey, half a second a step, and ends no job until Blender says "go"."""
    wishes = {"FAKE_PACE": "0.5", "FAKE_GO": str(blender.folder / "go")}
    command = (fake_engine.__file__, "serve")
    engine = RunningEngine(tmp_path / "engine", "--stop-with-stdin", command=command, **wishes)
    yield engine
    engine.end()


def test_queue_cancel_retry_compare_undo_and_reopen(blender, engine, extension):
    blender.install(extension)
    task = {"url": engine.url, "token": engine.first_line["token"], "steps": 12, "seed": HELD}
    (blender.folder / "task.json").write_text(json.dumps(task))
    report = blender.play("jobs.py", timeout=1500)
    before, after = report["compared"]
    assert before != after
    assert report["undone"] == before
    assert [pinned for _, pinned in report["takes"]] == [True, False, False]
    print(json.dumps(report["stalls"]))
