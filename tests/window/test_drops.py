"""What a file manager drops on a real Blender's window goes to whom it falls on."""

import shutil
from pathlib import Path

import pytest

from isa_engine.body import bundled_motion, write_motion
from tests.pipeline.shots import picture

xlib = pytest.importorskip("Xlib", reason="python-xlib is not installed here (the extra 'development')")
six = pytest.importorskip("six")
pytestmark = [pytest.mark.window, pytest.mark.timeout(900)]


def test_pictures_and_motions_go_to_whom_they_are_dropped_on(blender, extension):
    blender.install(extension)
    (blender.folder / "photo.png").write_bytes(picture(600, 400))
    (blender.folder / "broken.bvh").write_text("HIERARCHY\n")
    write_motion(bundled_motion("walk"), blender.folder / "walk.npz")
    shutil.copy(Path(__file__).with_name("drag.py"), blender.folder)
    # Blender has a Python of its own.
    shutil.copytree(Path(xlib.__file__).parent, blender.folder / "libraries" / "Xlib")
    shutil.copy(six.__file__, blender.folder / "libraries")
    report = blender.play("drops.py", timeout=600)
    asks = tuple(map(int, report["blender"].split(".")[:2])) >= (4, 3)
    # Beside everybody it is that of the list's active row, who is the last that came.
    assert report["first"] == ({"Anna": "photo.png", "Ben": ""} if asks else {"Anna": "", "Ben": "photo.png"})
    assert report["second"]["Ben"] == "photo.png"
    assert report["moving"] == report["still"] == ["Anna"]
    assert report["undone"] == report["second"], "the motion alone is undone"
