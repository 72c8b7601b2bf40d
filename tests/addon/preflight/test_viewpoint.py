"""Views that the model was not seen to obey are named, with those that it was."""

from dataclasses import replace

import numpy as np
import pytest

from isa_blender_addon.preflight.viewpoint import check_viewpoint
from isa_engine.configuration.limits import Limits
from isa_engine.data.scenario.camera_paths import look_at_matrices
from tests.addon.preflight.balls import FRAMES, shot, still


@pytest.mark.parametrize(
    ("camera", "words"),
    [
        ((0, -4, 1.0), None),
        (
            (0, -40, 1.0),
            "Anna is 4 pixels tall in the plate at 11–34: isa-tiny was seen to paint people from 20",
        ),
        ((0, -0.6, 1.0), "Anna would be 272 pixels tall in the plate at 11–34: isa-tiny was seen to paint"),
        ((0, -2, 4.0), "The camera looks down on Anna by 56° at 11–34: isa-tiny was seen to obey up to 40°."),
        ((0, -3, -1.5), "The camera looks up at Anna by 40° at 11–34: isa-tiny was seen to obey up to 10°."),
    ],
)
def test_views_that_the_model_was_seen_to_lose_are_named(camera, words, monkeypatch):
    limits = Limits(size=(20, 110), elevation=(-10, 40), lens=(20, 85), people=1)
    monkeypatch.setattr("isa_blender_addon.preflight.viewpoint.limits_of", {"isa-tiny": limits}.get)
    placed = np.tile(look_at_matrices(np.array([camera]), np.array([[0, 0, 1.0]])), (FRAMES, 1, 1))
    staged = shot({"Anna": still((0, 0, 1))}, placed)
    found = check_viewpoint(staged)
    if words is None:
        assert found == []
        return
    (finding,) = found
    assert finding.sentence.startswith(words)
    assert finding.mends[0].values == {"frame": 11, "character": "Anna"}
    unmeasured = replace(staged, settings=replace(staged.settings, model="isa-4b"))
    assert check_viewpoint(unmeasured) == []


def test_who_is_off_the_frame_is_not_measured(monkeypatch):
    limits = Limits(size=(20, 110), elevation=(-10, 40), lens=(20, 85), people=1)
    monkeypatch.setattr("isa_blender_addon.preflight.viewpoint.limits_of", {"isa-tiny": limits}.get)
    assert check_viewpoint(shot({"Anna": still((0, 0, 1)), "Ben": still((200, 90, 1))})) == []


def test_lenses_that_the_model_was_not_seen_to_obey_are_named(monkeypatch):
    limits = Limits(size=(1, 1000), elevation=(-90, 90), lens=(35, 50), people=1)
    monkeypatch.setattr("isa_blender_addon.preflight.viewpoint.limits_of", {"isa-tiny": limits}.get)
    staged = shot({"Anna": still((0, 0, 1))})
    # Of 27 mm at first, which nears 72.
    zooming = replace(staged, intrinsics=staged.intrinsics * np.geomspace(1, 8 / 3, FRAMES)[:, None])
    first, last = check_viewpoint(zooming)
    assert first.sentence.startswith("The lens has 27 mm at 11–1")
    assert last.sentence.endswith("–34: isa-tiny was seen to obey up to 50 mm.")
