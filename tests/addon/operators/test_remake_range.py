"""Frames of a take are made again, and all others are sent along."""

import bpy
import pytest

from isa_blender_addon.session.current import session
from isa_engine.shot import read_shot

# The fixtures of the whole way from the button to the plate.
from tests.addon.operators.test_generate import addon, finish, shot  # noqa: F401


def test_a_range_of_a_take_is_made_again_and_a_longer_scene_extends_it(shot, tmp_path):  # noqa: F811
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


def test_a_take_that_is_gone_is_said(shot, tmp_path):  # noqa: F811
    with pytest.raises(RuntimeError, match="not there any more"):
        bpy.ops.isa.remake_range(take=str(tmp_path / "none"), first=1, last=2)
