"""The five journeys of an artist by clicks, in a real Blender: few enough for an hour before the deadline."""

import itertools
import json

import numpy as np
import pytest

from isa_engine.body import bundled_motion, open_body
from isa_engine.body.fitting.landmarks import detected_offsets
from isa_engine.detection.telling import told
from tests.addon.fake_engine import HELD, REFUSED
from tests.detection.sightings import sighting
from tests.pipeline.shots import picture

pytestmark = [pytest.mark.window, pytest.mark.timeout(1800)]

MOST_CLICKS = {
    "first minute": 2,
    "one character": 12,
    "three characters": 30,
    "another take": 4,
    "the night's farm": 3,
}
# Pixels: from a row of the panel to the next, and the step in which buttons are sought.
LINE, STEP = 26, 8
SIZE = (600, 400)

# Stands for the detector's Python: says who is in the picture, whichever it is.
DETECTOR_PYTHON = """#!/bin/sh
head -n 1 >/dev/null
cat "$(dirname "$0")/answer"
cat >/dev/null
"""


def detector_in(folder) -> None:
    rotations = bundled_motion("punch").rotations[20].astype(float)
    lens = np.array([100 / 36, 100 / 36 * 1.5, 0, 0])
    place = np.array([0.3, 0.0, -5.0])
    seen = sighting(open_body(), rotations, place, SIZE, lens, hands=True, elsewhere=detected_offsets())
    (folder / "answer").write_text(json.dumps({"people": [told(seen)]}) + "\n")
    (folder / "detector-python").write_text(DETECTOR_PYTHON)
    (folder / "detector-python").chmod(0o755)
    (folder / "photo.png").write_bytes(picture(*SIZE))


def played(blender, painter, extension, *journeys: str) -> dict:
    """The report of some journeys, one after the other, whose clicks are few enough."""
    blender.install(extension)
    detector_in(blender.folder)
    seeds = {"held": HELD, "refused": REFUSED}
    task = {"url": painter.url, "token": painter.first_line["token"], "journeys": journeys, **seeds}
    (blender.folder / "task.json").write_text(json.dumps(task))
    report = blender.play("journeys.py", timeout=1700)
    clicks = {name: journey["clicks"] for name, journey in report["journeys"].items()}
    assert len(clicks) == len(journeys)
    assert {name: count for name, count in clicks.items() if count > MOST_CLICKS[name]} == {}
    return report


def test_a_first_minute_and_one_character_take_few_clicks_and_nothing_jumps(blender, painter, extension):
    report = played(blender, painter, extension, "first_minute", "one_character")
    assert list(report["places"]) == ["before", "running", "plate", "failed", "warned"]
    for before, now in itertools.pairwise(report["places"].values()):
        assert max(abs(now[button] - before[button]) for button in before) <= LINE + STEP


def test_three_characters_another_take_and_a_farm_take_few_clicks(blender, painter, extension):
    report = played(blender, painter, extension, "three_characters", "another_take", "nights_farm")
    at = [person["at"] for person in report["people"]]
    assert all(person["moves"] for person in report["people"])
    assert len({tuple(place) for place in at}) == 3, "a newcomer stands beside who was there"
    assert {place[2] for place in at} == {0.0}
    assert report["active"] == 2
    assert report["note"].startswith("1 take is in the bundle.")
