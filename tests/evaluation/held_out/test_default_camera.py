"""The default camera is Blender's, and sees who stands at the origin."""

import json
import subprocess
import sys

import numpy as np
import pytest

from isa_engine.evaluation.held_out.default_camera import RENDER, default_camera
from isa_engine.evaluation.held_out.kinds import BLENDER

_ASK_BLENDER = """
import bpy, json
bpy.ops.wm.read_factory_settings()
scene, camera = bpy.context.scene, bpy.context.scene.camera
print("@" + json.dumps([
    [list(row) for row in camera.matrix_world], camera.data.lens, camera.data.sensor_width,
    [scene.render.resolution_x, scene.render.resolution_y],
]))
"""


def test_it_is_that_of_a_new_scene():
    answer = subprocess.run([sys.executable, "-c", _ASK_BLENDER], capture_output=True, text=True).stdout
    matrix, lens, sensor, render = json.loads(answer.split("@")[1].splitlines()[0])
    intrinsics, camera = default_camera(3)
    np.testing.assert_allclose(camera[2], matrix, atol=2e-3)
    fx, fy, cx, cy = intrinsics[2]
    assert tuple(render) == RENDER
    assert fx == pytest.approx(2 * lens / sensor)
    assert fy / fx == pytest.approx(render[0] / render[1])
    assert cx == cy == 0


def test_somebody_stands_before_it_whole_and_small(clips):
    for clip in clips.sized(64, 112).clips(BLENDER, 2):
        mask = clip.mask
        assert mask.shape[1:] == (64, 112)
        assert 0.003 < mask.float().mean() < 0.05
        assert not mask[:, [0, -1]].any()
        assert not mask[:, :, [0, -1]].any()
        middle = mask.nonzero().float().mean(0)[1:]
        assert ((middle - middle.new_tensor([32, 56])).abs() < middle.new_tensor([16, 14])).all()
        assert clip.clip.points[0].reshape(-1, 3).mean(0)[:2].abs().max() < 1e-3
