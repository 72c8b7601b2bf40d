import bpy
import pytest


@pytest.fixture
def scene():
    """A fresh, empty Blender scene of 24 frames a second; those of earlier tests are gone."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    # Versions differ in their defaults.
    bpy.context.scene.render.fps = 24
    return bpy.context.scene
