"""The overlay in a real Blender: a click shows it, every point is drawn, controls lie on the rigs; and its
cost is written down."""

import numpy as np
import pytest
from PIL import Image

from isa_engine.configuration import model_config
from tests.window.conftest import ROOT

pytestmark = [pytest.mark.window, pytest.mark.timeout(600)]


def test_a_click_shows_the_points_of_five_people_and_controls_lie_on_three(blender, extension):
    blender.install(extension)
    report = blender.play("overlay.py", timeout=500)
    assert report["problem"] == ""
    assert report["points"] == 5 * model_config("isa-small").dit.points
    assert 0.1 < report["shown"] / report["points"] < 0.7
    picture = Image.open(ROOT / "out" / "window" / f"{blender.version}-overlay-controls.png").convert("RGB")
    joints = np.array(report["joints"])
    shown = np.array([picture.getpixel((column, row)) for column, row in joints[:, :2].tolist()])
    right = np.abs(shown - joints[:, 2:]).max(1) <= 16
    assert len(joints) >= 20
    # A pixel of the screen may fall on another one of the picture at the edge of a limb.
    assert right.mean() > 0.9
    assert min(report["ground"]) > 50
