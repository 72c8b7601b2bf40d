"""What is expected of a take before anything of it has begun, and what is learned from the last."""

import bpy
import pytest

from isa_blender_addon.session.progress import expected
from isa_blender_addon.settings.cast import refresh_cast
from tests.addon.scenes.cast import stage


@pytest.fixture
def staged(scene, monkeypatch, addon):
    monkeypatch.setattr(expected, "_seen", {})
    stage(scene, frames=20)
    refresh_cast(scene)
    return scene


def test_a_device_of_which_nothing_is_known_is_taken_for_the_slowest(staged):
    strange, slow, fast = (
        expected.job_seconds(staged, device, None, True) for device in ("abacus", "cpu", "cuda")
    )
    assert strange == slow
    assert sum(slow.values()) > sum(fast.values())
    assert set(slow) >= {"upload", "encode", "denoise", "decode", "write", "fetch", "import"}


def test_an_engine_that_does_not_run_yet_is_waited_for(staged):
    ready, stopped = (expected.job_seconds(staged, "cpu", None, ready)["start"] for ready in (True, False))
    assert (ready, stopped) == (0, expected._START)


def test_a_background_counts_until_it_has_been_made(staged):
    staged.isa.background = "NONE"
    bare = sum(expected.reading_seconds(staged, True).values())
    staged.isa.background, staged.isa.plate_scale = "RENDER", 1
    first = sum(expected.reading_seconds(staged, True).values())
    assert first == pytest.approx(bare + 20 * expected.rays(staged) * expected._BACKGROUND["RENDER"])
    assert sum(expected.reading_seconds(staged, False).values()) == pytest.approx(bare), "a check makes none"
    expected.note(expected.kind_of_background(staged), 60, 20 * expected.rays(staged))
    assert expected.reading_seconds(staged, True)["background"] == pytest.approx(60), "as the last one took"
    expected.note(expected.background_of(staged), 0, 1)
    assert expected.reading_seconds(staged, True)["background"] == 0
    bpy.ops.isa.renew_background()
    assert expected.reading_seconds(staged, True)["background"] == pytest.approx(60)


@pytest.mark.parametrize(("choice", "other"), [("background_quick", False), ("background_shadows", False)])
def test_a_background_of_another_choice_is_not_taken_for_the_one_that_is_there(staged, choice, other):
    staged.isa.background, staged.isa.plate_scale = "RENDER", 1
    first = expected.reading_seconds(staged, True)["background"]
    expected.note(expected.background_of(staged), 0, 1)
    expected.note(expected.kind_of_background(staged), 60, 20)
    setattr(staged.isa, choice, other)
    assert expected.reading_seconds(staged, True)["background"] == pytest.approx(first)


@pytest.mark.parametrize(
    # Sixteen pixels for each, of a quarter of the samples; 400 × 224 pixels in place of 224 × 128.
    ("choice", "other", "rays"),
    [("plate_scale", 4, 4), ("detail", 2, 400 * 224 / (224 * 128))],
)
def test_a_background_of_another_size_takes_as_much_longer_as_the_one_that_is_there_took(
    staged, choice, other, rays
):
    staged.isa.background, staged.isa.plate_scale, staged.isa.detail = "RENDER", 1, 1
    first = expected.reading_seconds(staged, True)["background"]
    expected.note(expected.background_of(staged), 0, 1)
    setattr(staged.isa, choice, other)
    assert expected.reading_seconds(staged, True)["background"] == pytest.approx(rays * first)
    setattr(staged.isa, choice, 1)
    expected.note(expected.kind_of_background(staged), 60, 20 * expected.rays(staged))
    setattr(staged.isa, choice, other)
    assert expected.reading_seconds(staged, True)["background"] == pytest.approx(rays * 60)


@pytest.mark.parametrize(("scale", "quick", "own"), [(1, 1, 1), (2, 1, 4), (3, 2.25, 9), (4, 4, 16)])
def test_a_quick_background_of_more_pixels_has_fewer_samples_of_each(staged, scale, quick, own):
    """Down to four; the scene's own settings say how many there are whatever its size."""
    staged.isa.background, staged.isa.plate_scale = "RENDER", 1
    first = expected.reading_seconds(staged, True)["background"]
    staged.isa.plate_scale = scale
    for staged.isa.background_quick, times in ((True, quick), (False, own)):
        assert expected.reading_seconds(staged, True)["background"] == pytest.approx(times * first)


def test_more_frames_and_more_people_take_longer_to_read(staged):
    few = expected.reading_seconds(staged, False)["read"]
    staged.frame_end *= 3
    assert expected.reading_seconds(staged, False)["read"] == pytest.approx(3 * few)
    expected.note("read", 6, 60)
    assert expected.reading_seconds(staged, False)["read"] == pytest.approx(6)
