"""Preflight's buttons and the matching of a portrait, by clicks in a real Blender."""

import pytest

pytestmark = [pytest.mark.window, pytest.mark.timeout(900)]


def test_faults_are_mended_and_a_portrait_is_matched_by_clicks(blender, extension):
    blender.install(extension)
    report = blender.play("matching.py", timeout=580)
    assert report["findings"] == 0
    assert "in the frames stands in the way" in report["note"]
    assert report["pixels"] < 6
    assert report["reference"]
