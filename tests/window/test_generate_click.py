"""A click on Generate, in a real Blender with its window, ends with a plate in the scene."""

import hashlib
import json
from pathlib import Path

import pytest

pytestmark = [pytest.mark.window, pytest.mark.timeout(900)]


def test_a_click_on_generate_ends_with_a_plate(blender, engine, extension):
    blender.install(extension)
    task = {"url": engine["url"], "token": engine["token"], "steps": 2}
    (blender.folder / "task.json").write_text(json.dumps(task))
    report = blender.play("artist.py", timeout=600)
    (made,) = Path(engine["data"]).rglob("plate.mp4")
    assert {frames for frames, _ in report["movies"].values()} == {report["frames"]}
    assert hashlib.sha256(made.read_bytes()).hexdigest() in {
        content for _, content in report["movies"].values()
    }
    assert report["plates"]
    assert report["new_objects"] == report["plates"]
    assert {"reading", "running"} <= set(report["states"])
    assert len(report["cast"]) == 2
