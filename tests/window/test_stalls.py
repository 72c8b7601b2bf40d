"""Blender stays the artist's while a take is made."""

import json

import pytest

from tests.addon.fake_engine import HELD

pytestmark = [pytest.mark.window, pytest.mark.timeout(900)]
LONGEST_MS = 50


def test_no_job_holds_the_main_thread_for_long(blender, painter, extension):
    """The thread's own time between two calls of a timer, what Blender and the add-on do, from the click on.

    Of the plate's coming, which is no part of the job any more, the add-on's own share.
    """
    blender.install(extension)
    task = {"url": painter.url, "token": painter.first_line["token"], "steps": 12, "seed": HELD}
    (blender.folder / "task.json").write_text(json.dumps(task))
    # Small, as Mesa must paint every pixel of it.
    report = blender.play("stalls.py", timeout=600, size=(720, 560))
    job = {span: report["stalls"][span] for span in ("reading", "sending", "running")}
    assert {span: spent for span, spent in job.items() if spent["cpu"] > LONGEST_MS} == {}
    assert [job[span]["drawn"] for span in ("sending", "running")] == [0, 0]
    assert {name: spent for name, spent in report["calls"].items() if spent["cpu"] > LONGEST_MS} == {}
