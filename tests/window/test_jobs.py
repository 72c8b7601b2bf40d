"""Jobs and takes by clicks, in a real Blender with its window."""

import json
from pathlib import Path

import pytest

from tests.addon import fake_engine
from tests.addon.fake_engine import HELD
from tests.service.running import RunningEngine

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.window, pytest.mark.timeout(1800)]


@pytest.fixture
def engine(blender, tmp_path):
    """An engine that paints grey, half a second a step, and ends no job until Blender says "go"."""
    wishes = {"FAKE_PACE": "0.5", "FAKE_GO": str(blender.folder / "go")}
    command = (fake_engine.__file__, "serve")
    engine = RunningEngine(tmp_path / "engine", "--stop-with-stdin", command=command, **wishes)
    yield engine
    engine.end()


# Stands for the engine's Python: writes the file once Blender's folder says "deliver".
ENGINE_PYTHON = """#!/bin/sh
for out; do :; done
while [ ! -e "$(dirname "$0")/deliver" ]; do sleep 0.1; done
printf "%s" "$*" > "$out"
"""


def test_stage_match_queue_cancel_retry_compare_undo_deliver_and_reopen(blender, engine, extension):
    blender.install(extension)
    python = blender.folder / "engine-python"
    python.write_text(ENGINE_PYTHON)
    python.chmod(0o755)
    task = {"url": engine.url, "token": engine.first_line["token"], "steps": 12, "seed": HELD}
    (blender.folder / "task.json").write_text(json.dumps(task))
    report = blender.play("jobs.py", timeout=1500)
    (ROOT / "out" / "window" / f"{blender.version}-jobs.json").write_text(json.dumps(report, indent=2))
    before, after = report["compared"]
    assert before != after
    assert report["undone"] == before
    assert [pinned for _, pinned in report["takes"]] == [True, False, False]
    # Milliseconds of the main thread, whatever else the machine does.
    assert {name: spent for name, spent in report["calls"].items() if spent["cpu"] > 50} == {}
    assert report["cast"] == ["Anna", "Ben", "Character"]
    assert " deliver " in report["delivered"]
    assert "--as prores" in report["delivered"]
