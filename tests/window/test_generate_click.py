"""A click on Generate, in a real Blender with its window, ends with a plate in the scene."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

pytestmark = [pytest.mark.window, pytest.mark.timeout(900)]
ROOT = Path(__file__).resolve().parents[2]


def test_a_click_on_generate_ends_with_a_plate(blender, engine, extension):
    folder = blender.inside(blender.folder)
    for file in (extension, Path(__file__).with_name("artist.py")):
        shutil.copy(file, blender.folder)
    install = ("extension", "install-file", "-r", "user_default", "--enable")
    blender.run("--command", *install, f"{folder}/{extension.name}")

    task = {"url": engine["url"], "token": engine["token"], "steps": 2}
    (blender.folder / "task.json").write_text(json.dumps(task))
    try:
        blender.click_through(f"{folder}/artist.py", folder, timeout=600)
    finally:
        pictures = ROOT / "out" / "window"
        pictures.mkdir(parents=True, exist_ok=True)
        for picture in blender.folder.glob("*.png"):
            shutil.copy(picture, pictures / f"{blender.version}-{picture.name}")

    report = json.loads((blender.folder / "report.json").read_text())
    (made,) = Path(engine["data"]).rglob("plate.mp4")
    assert {frames for frames, _ in report["movies"].values()} == {report["frames"]}
    assert hashlib.sha256(made.read_bytes()).hexdigest() in {
        content for _, content in report["movies"].values()
    }
    assert report["plates"]
    assert report["new_objects"] == report["plates"]
    assert {"reading", "running"} <= set(report["states"])
    assert len(report["cast"]) == 2
