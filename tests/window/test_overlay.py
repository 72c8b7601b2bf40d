"""The overlay in a real Blender: a click shows it, every point is drawn, and its cost is written down."""

import pytest

from isa_engine.configuration import model_config

pytestmark = [pytest.mark.window, pytest.mark.timeout(600)]


def test_a_click_shows_the_points_of_five_people(blender, extension):
    blender.install(extension)
    report = blender.play("overlay.py", timeout=400)
    assert report["problem"] == ""
    assert report["points"] == 5 * model_config("isa-small").dit.points
    assert 0.1 < report["shown"] / report["points"] < 0.7
