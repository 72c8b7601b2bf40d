"""Tracked people, a farm's bundle and the cache by clicks, in a real Blender with its window."""

import pytest

from tests.data.footage import filmed
from tests.data.footage.filmed import Tracked

pytestmark = [pytest.mark.window, pytest.mark.timeout(900)]


def test_people_come_a_bundle_goes_and_the_cache_is_cleaned(blender, extension):
    blender.install(extension)
    scene = filmed.scene(seed=3, frames=6, characters=2)
    filmed.wham(blender.folder, [Tracked(scene, k) for k in range(2)])
    report = blender.play("desk.py", timeout=600)
    assert report["first_line"] == 0
    assert report["lines"] > 10
    assert report["people"] == ["Person 0", "Person 1"]
    assert report["camera"] == "Tracked Camera"
    assert report["error"] == ""
    assert report["note"].startswith("1 take is in the bundle. Run it: openjd run ")
    assert report["bundle"] == ["flamenco.json", "job.json", "shots", "template.json"]
    assert report["before"] == 3_000_000
    assert report["after"] == []
    assert report["said"] == "Takes and backgrounds removed: 1."
