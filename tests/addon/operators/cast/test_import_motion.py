"""A motion onto the active character: what it moves, and what is said of it."""

import bpy
import numpy as np
import pytest

from isa_engine.body import bundled_motions, load_motion, write_motion
from tests.addon.scenes.cast import add_person, random_motion, world_vertices

pytestmark = pytest.mark.usefixtures("addon")


def body_at(scene, armature, frame: int) -> np.ndarray:
    scene.frame_set(frame)
    return world_vertices(scene, armature.children[0])


def test_a_character_that_was_added_walks_on_the_ground_and_not_above_it(scene):
    scene.cursor.location = 1, 2, 0.5
    bpy.ops.isa.add_character(name="Anna")
    anna = scene.objects["Anna"]
    assert bpy.ops.isa.bundled_motion(clip="walk") == {"FINISHED"}
    lowest = [body_at(scene, anna, frame)[:, 2].min() for frame in (1, 10, 20)]
    assert np.abs(np.array(lowest) - 0.5).max() < 0.05


@pytest.mark.parametrize("clip", bundled_motions())
def test_every_bundled_motion_has_its_entry_and_says_where_it_ends(scene, clip, capfd):
    bpy.ops.isa.add_character(name="Anna")
    capfd.readouterr()
    assert bpy.ops.isa.bundled_motion(clip=clip, start_frame=5, end_range=True) == {"FINISHED"}
    first, last = scene.objects["Anna"].animation_data.action.frame_range
    assert first == 5
    assert scene.frame_end == last
    assert f"Anna moves on frames 5–{last:.0f}." in capfd.readouterr().out


def test_without_being_asked_the_frame_range_stays(scene):
    add_person()
    bpy.ops.isa.bundled_motion(clip="jump")
    assert scene.frame_end == 250


def hold_by_a_constraint(armature) -> None:
    armature.pose.bones["left_knee"].constraints.new("LIMIT_ROTATION").use_limit_x = True


def hold_the_root(armature) -> None:
    lift = armature.pose.bones["root"].constraints.new("LIMIT_LOCATION")
    lift.use_min_z, lift.min_z = True, 1


def hold_by_a_driver(armature) -> None:
    armature.driver_add('pose.bones["left_knee"].rotation_quaternion', 1).driver.expression = "0.7"


@pytest.mark.parametrize("hold", [hold_by_a_constraint, hold_the_root, hold_by_a_driver])
def test_what_holds_bones_against_a_motion_is_named_and_can_be_muted(scene, tmp_path, hold, capfd):
    write_motion(random_motion(seed=3), tmp_path / "walk.npz")
    free = add_person("Free", load_motion(tmp_path / "walk.npz"))
    wanted = body_at(scene, free, 4)
    held = add_person("Held", random_motion(seed=4))
    hold(held)
    capfd.readouterr()
    assert bpy.ops.isa.import_motion(filepath=str(tmp_path / "walk.npz")) == {"FINISHED"}
    said = capfd.readouterr().out
    assert "Held is held against the motion at" in said
    assert ("root" if hold is hold_the_root else "left_knee") in said
    assert np.abs(body_at(scene, held, 4) - wanted).max() > 1e-3
    assert bpy.ops.isa.import_motion(filepath=str(tmp_path / "walk.npz"), mute_held=True) == {"FINISHED"}
    assert "held against" not in capfd.readouterr().out
    np.testing.assert_allclose(body_at(scene, held, 4), wanted, atol=1e-4)
