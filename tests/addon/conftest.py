import bpy
import pytest


@pytest.fixture
def scene():
    """A fresh, empty Blender scene; those of earlier tests are gone."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return bpy.context.scene
