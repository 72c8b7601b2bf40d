"""Blender stays the artist's while a take is made."""

import json

import pytest

from tests.addon.fake_engine import HELD

pytestmark = [pytest.mark.window, pytest.mark.timeout(900)]
LONGEST_MS = 50


def test_no_step_of_a_take_holds_the_main_thread_for_long(blender, painter, extension):
    """The time between two calls of a timer: by the clock while there is a job, which asks for a machine that
    does nothing else; at all times the thread's own, which is what Blender and the add-on do."""
    blender.install(extension)
    task = {"url": painter.url, "token": painter.first_line["token"], "steps": 12, "seed": HELD}
    (blender.folder / "task.json").write_text(json.dumps(task))
    # As small as Blender's windows get: without a GPU, Mesa must paint every pixel of it.
    report = blender.play("stalls.py", timeout=600, size=(640, 480))
    stalls = report["stalls"]
    with_job = {span: stalls[span] for span in ("sending", "running", "importing")}
    assert {span: spent for span, spent in with_job.items() if spent["wall"] > LONGEST_MS} == {}
    assert {span: spent for span, spent in stalls.items() if spent["cpu"] > LONGEST_MS} == {}
    assert [stalls[span]["drawn"] for span in ("sending", "running")] == [0, 0]
    assert {name: spent for name, spent in report["calls"].items() if spent["cpu"] > LONGEST_MS} == {}
