"""Jobs and takes by clicks, in a real Blender with its window."""

import json

import pytest

from tests.addon.fake_engine import HELD

pytestmark = [pytest.mark.window, pytest.mark.timeout(1800)]


# Stands for the engine's Python: writes the file once Blender's folder says "deliver".
ENGINE_PYTHON = """#!/bin/sh
for out; do :; done
while [ ! -e "$(dirname "$0")/deliver" ]; do sleep 0.1; done
printf "%s" "$*" > "$out"
"""


def test_stage_match_queue_cancel_retry_compare_undo_deliver_and_reopen(blender, painter, extension):
    blender.install(extension)
    python = blender.folder / "engine-python"
    python.write_text(ENGINE_PYTHON)
    python.chmod(0o755)
    task = {"url": painter.url, "token": painter.first_line["token"], "steps": 12, "seed": HELD}
    (blender.folder / "task.json").write_text(json.dumps(task))
    report = blender.play("jobs.py", timeout=1500)
    before, after = report["compared"]
    assert before != after
    assert report["undone"] == before
    assert report["browser"] == "THUMBNAIL"
    assert [pinned for _, pinned in report["takes"]] == [True, False, False]
    assert report["cast"] == ["Anna", "Ben", "Character"]
    assert " deliver " in report["delivered"]
    assert "--as prores" in report["delivered"]
