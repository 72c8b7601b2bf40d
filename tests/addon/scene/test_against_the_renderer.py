"""The shot against the renderer's own word: what a render engine is given to draw, on every frame."""

import bpy
import numpy as np
import pytest

from isa_blender_addon.rigs.instances import make_real
from isa_blender_addon.scene.capture import Reference
from isa_engine.shot import Settings
from tests.addon.scenes.cast import add_person
from tests.addon.scenes.renderer import assert_as_rendered
from tests.addon.scenes.shot import capture_shot
from tests.addon.scenes.traps import CUTS, SHOWN, stage_six_traps

SETTINGS = Settings(width=64, height=64)


def test_six_traps_at_once_and_the_shot_is_what_the_renderer_draws(scene, rendered, tmp_path):
    stage_six_traps(scene, tmp_path)
    shot = capture_shot(scene, SETTINGS, {"A": Reference("//anna.png")})
    assert_as_rendered(shot, rendered(shot.frame_numbers), partly={"A"})
    assert shot.cuts == CUTS
    assert [character.visible.sum() for character in shot.characters] == SHOWN
    assert shot.references == ((tmp_path / "anna.png").read_bytes(),)


@pytest.mark.parametrize("engine_sees", ["instances", "modifiers off in viewports"])
def test_what_is_read_is_what_is_rendered(scene, rendered, engine_sees):
    scene.frame_start, scene.frame_end = 1, 3
    anna = add_person("Anna")
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location, camera.rotation_euler = (0, -6, 0), (np.pi / 2, 0, 0)
    scene.collection.objects.link(camera)
    scene.camera = camera
    body = anna.children[0]
    if engine_sees == "instances":
        asset = bpy.data.collections.new("Asset")
        asset.instance_offset = (0.3, 0, 0.1)
        for item in (anna, body):
            scene.collection.objects.unlink(item)
            asset.objects.link(item)
        empty = bpy.data.objects.new("Instance", None)
        empty.instance_type, empty.instance_collection, empty.location = "COLLECTION", asset, (1, 2, 0)
        empty.rotation_euler.z, empty.scale = 0.7, (1.2, 1.2, 1.2)
        scene.collection.objects.link(empty)
        before = rendered(range(1, 4))
        make_real(empty)
        after = rendered(range(1, 4))
        for one, other in zip(before, after, strict=True):
            ((first, _),), ((second, _),) = one.bodies.values(), other.bodies.values()
            np.testing.assert_allclose(first, second, atol=1e-5)
    else:
        body.modifiers["Armature"].show_viewport = False
    shot = capture_shot(scene, SETTINGS)
    frames = rendered(shot.frame_numbers)
    assert_as_rendered(shot, frames)
