"""A whole Blender without a window goes from the staging to plates, also one that is no Python module."""

import json
import shutil
from pathlib import Path

import pytest

pytestmark = [pytest.mark.window, pytest.mark.timeout(900)]


def test_from_the_staging_to_plates_in_every_way_and_a_render(blender, painter, extension):
    blender.install(extension)
    task = {"url": painter.url, "token": painter.first_line["token"]}
    (blender.folder / "task.json").write_text(json.dumps(task))
    shutil.copy(Path(__file__).with_name("without_window.py"), blender.folder)
    folder = blender.inside(blender.folder)
    script = ("--python-exit-code", "5", "--python", f"{folder}/without_window.py", "--", folder)
    blender.run("--background", *script, timeout=800)
    report = json.loads((blender.folder / "report.json").read_text())
    assert report["never_shown"] == ["Anna"]
    assert report["checked"] == [[], "Nothing in the frames stands in the way of a good plate."]
    assert (report["plain"], report["over_background"]) == ("Scene-001", "Scene-002")
    assert report["compared"] == report["reopened"] == "Scene-001"
    assert (blender.folder / "render.png").stat().st_size
    assert report["left"] == []
