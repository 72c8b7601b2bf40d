"""Frames of a take are made again, and all others are sent along."""

from types import SimpleNamespace

import bpy
import numpy as np
import pytest

from isa_blender_addon.session.current import session
from isa_blender_addon.session.generating import expected
from isa_blender_addon.session.reading import reading as shot_reading
from isa_blender_addon.session.reading.remaking import made_again
from isa_blender_addon.settings.cast import refresh_cast
from isa_blender_addon.takes.take import Take
from isa_blender_addon.ui import remaking
from isa_engine.geometry.frames import Made
from isa_engine.models.work import made_in
from isa_engine.shot import Settings, read_shot

# The fixtures of the whole way from the button to the plate.
from tests.addon.operators.shot.test_generate import finish
from tests.addon.plates import write_movie


class Buttons:
    """A layout that keeps what its buttons say."""

    def __init__(self):
        self.texts: list[str] = []

    def column(self, align=False):
        return self

    def operator(self, _name, text="", **_):
        self.texts.append(text.partition(" · ")[0])
        return SimpleNamespace()


def test_a_range_of_a_take_is_made_again_and_a_longer_scene_extends_it(shot, tmp_path):
    takes = tmp_path / "takes"
    bpy.ops.isa.generate()
    finish()
    first = str(takes / "Scene-001")
    assert bpy.ops.isa.remake_range(take=first, first=1, last=1) == {"FINISHED"}
    finish()
    made = read_shot(takes / "Scene-002" / "shot.npz").kept
    # The frame's latent, and one after it: all of four frames.
    assert made.again.tolist() == [True, True]
    with pytest.raises(RuntimeError, match="has all frames already"):
        bpy.ops.isa.remake_range(take=first, what="EXTEND")
    assert not (takes / "Scene-003").exists()
    with pytest.raises(RuntimeError, match="as they are staged now"):
        bpy.ops.isa.remake_range(take=first, what="CHANGED")
    shot.frame_end += 8
    assert bpy.ops.isa.remake_range(take=first, what="EXTEND") == {"FINISHED"}
    finish()
    longer = read_shot(takes / "Scene-003" / "shot.npz")
    assert (longer.frames, longer.kept.again.tolist()) == (12, [False, True, True, True])
    assert longer.kept.weights == "painted"
    assert session().error == ""


def test_a_take_is_kept_by_a_plate_of_another_scale(shot, tmp_path, monkeypatch):
    """Its latents are those of the same canvas."""

    def start(making, _recipe):
        making._kept.parent.mkdir(parents=True, exist_ok=True)
        write_movie(making._kept, 12, 96, 64)
        np.save(making._kept.with_suffix(".npy"), np.empty((0, 1, 1), np.float16))

    monkeypatch.setattr("isa_blender_addon.background.making.Making._start", start)
    shot.isa.background, shot.isa.plate_scale = "RENDER", 1
    bpy.ops.isa.generate()
    finish()
    first, shot.isa.plate_scale, shot.frame_end = tmp_path / "takes" / "Scene-001", 3, shot.frame_end + 8
    assert bpy.ops.isa.remake_range(take=str(first), what="EXTEND") == {"FINISHED"}
    finish()
    then, now = (read_shot(tmp_path / "takes" / f"Scene-00{number}" / "shot.npz") for number in (1, 2))
    assert (then.settings.plate_scale, now.settings.plate_scale) == (1, 3)
    assert now.kept.again.tolist() == [False, True, True, True]


def test_the_bar_counts_what_is_made_and_knows_it_before_the_frames_are_read(shot, tmp_path):
    shot.frame_end = 121
    refresh_cast(shot)
    whole = expected(session(), shot)
    for taken, chosen in ((121, (41, 44)), (101, None)):
        take = Take(tmp_path, "s", "", "Scene", (1, taken, 1), Settings())
        found = expected(session(), shot, made_again(shot, take, chosen))
        assert found["denoise"] < whole["denoise"] / 2
        assert found["decode"] == whole["decode"]
        assert made_again(shot, take, (1, 101)) == (Made(121, 0, 27 if taken == 121 else 31),)


def test_what_is_expected_before_the_frames_are_read_is_what_the_shot_makes(shot, tmp_path):
    bpy.ops.isa.generate()
    finish()
    first = tmp_path / "takes" / "Scene-001"
    take = session().queue.take(first)
    shot.frame_end += 8
    for number, (options, chosen) in enumerate(
        (({"what": "EXTEND"}, None), ({"first": 3, "last": 3}, (3, 3))), start=2
    ):
        expected = made_again(shot, take, chosen)
        bpy.ops.isa.remake_range(take=str(first), **options)
        finish()
        assert made_in(read_shot(tmp_path / "takes" / f"Scene-00{number}" / "shot.npz")) == expected


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda scene: setattr(scene.isa, "detail", 1), "on 400×224 pixels, and the scene is set to"),
        (lambda scene: setattr(scene.isa, "model", "isa-small"), "made by isa-tiny"),
        (lambda scene: setattr(scene, "frame_step", 2), "every 1, and the scene is set to frames from 1"),
        (lambda scene: setattr(scene, "frame_start", 2), "frames from 2 "),
    ],
)
def test_a_scene_that_can_keep_nothing_is_told_before_a_frame_is_read(
    shot,
    tmp_path,
    monkeypatch,
    change,
    sentence,
):
    bpy.ops.isa.generate()
    finish()
    change(shot)
    monkeypatch.setattr(shot_reading, "capture_frames", None)
    with pytest.raises(RuntimeError, match=sentence):
        bpy.ops.isa.remake_range(take=str(tmp_path / "takes" / "Scene-001"), what="CHANGED")
    assert not (tmp_path / "takes" / "Scene-002").exists()


def test_where_nothing_has_changed_no_background_is_made_in_vain(shot, tmp_path, monkeypatch):
    bpy.ops.isa.generate()
    finish()
    begun: list = []
    monkeypatch.setattr(shot_reading.background, "begin", lambda *told: begun.append(told))
    with pytest.raises(RuntimeError, match="as they are staged now"):
        bpy.ops.isa.remake_range(take=str(tmp_path / "takes" / "Scene-001"), what="CHANGED")
    assert begun == []


def test_a_range_that_ends_between_two_steps_has_nothing_to_extend_to(shot, tmp_path):
    shot.frame_step, shot.frame_end = 3, 8
    take = Take(tmp_path, "s", "", "Scene", (1, 7, 3), Settings())
    for end, texts in ((9, ["Remake What Changed"]), (10, ["Remake What Changed", "Extend to 10"])):
        shot.frame_end, drawn = end, Buttons()
        remaking.draw_remaking(drawn, shot, take)
        assert drawn.texts == texts


def test_a_take_that_is_gone_is_said(shot, tmp_path):
    with pytest.raises(RuntimeError, match="not there any more"):
        bpy.ops.isa.remake_range(take=str(tmp_path / "none"), first=1, last=2)
