"""Blender stays the artist's while a take is made."""

import json

import pytest

from tests.addon.fake_engine import HELD

pytestmark = [pytest.mark.window, pytest.mark.timeout(900)]
LONGEST_MS = 50


def test_no_step_of_a_take_holds_the_main_thread_for_long(blender, painter, extension):
    """The thread's own time between two calls of a timer: what Blender and the add-on do."""
    blender.install(extension)
    task = {"url": painter.url, "token": painter.first_line["token"], "steps": 12, "seed": HELD}
    (blender.folder / "task.json").write_text(json.dumps(task))
    # Small, as Mesa must paint every pixel of it.
    report = blender.play("stalls.py", timeout=600, size=(720, 560))
    stalls = report["stalls"]
    assert {span: spent for span, spent in stalls.items() if spent["cpu"] > LONGEST_MS} == {}
    assert [stalls[span]["drawn"] for span in ("sending", "running")] == [0, 0]
    assert {name: spent for name, spent in report["calls"].items() if spent["cpu"] > LONGEST_MS} == {}
