"""Reading a shot leaves Blender's drawing no more time than itself needs."""

import pytest

pytestmark = [pytest.mark.window, pytest.mark.timeout(600)]


def test_a_long_shot_is_checked_without_a_drawing_for_each_frame(blender, extension):
    blender.install(extension)
    report = blender.play("reading.py", timeout=400)
    assert report["error"] == ""
    assert report["reading"]["drawn"] < report["frames"] / 4
