"""The demo scene is worth generating: a moving cast, whole in the frame of a moving camera."""

from fractions import Fraction

import bpy
import numpy as np

from isa_blender_addon.rigs.demo import build_demo_scene
from isa_engine.geometry.ndc import project
from isa_engine.shot import Settings
from tests.addon.scenes.shot import capture_shot


def test_the_demo_shows_two_moving_characters_whole_in_every_frame(scene):
    demo = build_demo_scene(bpy.context)
    shot = capture_shot(scene, Settings())
    assert (shot.frames, shot.width, shot.height, shot.fps) == (25, 1280, 720, Fraction(24))
    assert [character.name for character in shot.characters] == [rig.name for rig in demo.characters]
    for character in shot.characters:
        ndc, in_front = project(character.points, shot.mvp)
        assert in_front.all()
        assert np.abs(ndc[..., :2]).max() < 0.95
        assert np.ptp(ndc[..., 1], axis=1).min() > 1  # tall in the frame
        lowest = character.points[..., 2].min(1)
        assert np.abs(lowest).max() < 0.05
        # Some part of the body travels.
        assert np.linalg.norm(character.points[-1] - character.points[0], axis=-1).max() > 0.5
    first, second = (character.points.mean(1) for character in shot.characters)
    assert np.linalg.norm(first - second, axis=-1).min() > 0.8
    assert shot.intrinsics[-1, 0] > 1.05 * shot.intrinsics[0, 0]
    assert np.linalg.norm(shot.camera_to_world[-1, :3, 3] - shot.camera_to_world[0, :3, 3]) > 1
    assert {*demo.collection.objects} == {*scene.objects}
