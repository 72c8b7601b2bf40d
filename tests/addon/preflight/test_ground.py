"""Feet in the air are found above whatever is under them, and a button puts them down."""

import bpy
import numpy as np
import pytest

from isa_blender_addon.preflight.ground import IN_THE_AIR, check_ground
from isa_blender_addon.rigs.rig import put_on_ground
from isa_blender_addon.scene.ground import heights
from isa_blender_addon.session.current import session
from isa_blender_addon.settings.cast import refresh_cast
from isa_engine.body import Motion
from tests.addon.scenes.cast import add_camera, add_person


@pytest.fixture
def anna(scene, addon):
    """Anna standing still on the ground, as it is posed, under a camera."""
    still = Motion("still", 24.0, np.zeros((3, 55, 3)), np.zeros((3, 3)), np.zeros(2), "neutral")
    armature = add_person("Anna", still)
    put_on_ground(armature)
    add_camera(scene)
    scene.frame_start, scene.frame_end = 1, 3
    bpy.context.view_layer.update()
    refresh_cast(scene)
    return armature


def floor(height: float, size=8.0):
    bpy.ops.mesh.primitive_plane_add(size=size, location=(0, 0, height))
    return bpy.context.object


def above(scene) -> float:
    bpy.context.view_layer.update()
    return heights(scene)["Anna"]


def test_height_is_above_what_is_under_the_feet(scene, anna):
    assert above(scene) == pytest.approx(0, abs=1e-4)
    anna.location.z += 1.25
    assert above(scene) == pytest.approx(1.25, abs=1e-4)
    stage = floor(1.0)
    assert above(scene) == pytest.approx(0.25, abs=1e-4)
    # A ceiling is no ground, nor is what stands beside, or is not rendered.
    floor(4.0)
    floor(1.2, size=0.1).location.x = 3
    floor(1.1).hide_render = True
    assert above(scene) == pytest.approx(0.25, abs=1e-4)
    stage.rotation_euler.x = np.pi
    assert above(scene) == pytest.approx(0.25, abs=1e-4)


def test_height_is_in_metres(scene, anna):
    anna.location.z += 1.25
    empty = bpy.data.objects.new("All", None)
    empty.scale = 100, 100, 100
    scene.collection.objects.link(empty)
    anna.parent = empty
    scene.unit_settings.scale_length = 0.01
    assert above(scene) == pytest.approx(1.25, abs=1e-3)


def test_who_floats_is_named_and_put_down_by_the_button(scene, anna):
    anna.location.z += 1.25
    bpy.context.view_layer.update()
    bpy.ops.isa.check_shot()
    (found,) = [finding for finding in session().findings if "in the air" in finding.sentence]
    assert found.sentence == "Anna's feet are 1.25 m in the air all the time."
    mend = found.mends[0]
    assert bpy.ops.isa.put_on_ground(**mend.values) == {"FINISHED"}
    assert found not in session().findings
    assert above(scene) == pytest.approx(0, abs=1e-3)
    bpy.ops.isa.check_shot()
    assert not [finding for finding in session().findings if "in the air" in finding.sentence]


def test_who_leaps_is_not_named():
    lifted = IN_THE_AIR + 0.1
    assert check_ground([{"Anna": lifted}, {"Anna": 0.0}, {"Anna": lifted}], 1) == []
    assert len(check_ground([{"Anna": lifted}, {"Anna": lifted}], 1)) == 1
    assert check_ground([{"Anna": lifted}, {}], 1) == []
    assert check_ground([], 1) == []
