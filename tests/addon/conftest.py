import tempfile

import bpy
import pytest

import isa_blender_addon
from isa_blender_addon.settings import models
from tests.addon.scenes.renderer import rendered  # noqa: F401  a fixture


@pytest.fixture(scope="module", autouse=True)
def own_data(tmp_path_factory):
    """Nothing of the user's: engines of the tests keep their jobs elsewhere, and so do unsaved takes and
    backgrounds, which in the machine's temporary folder would be in the way of another run of tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("temporary")))
        yield


@pytest.fixture(autouse=True)
def no_engine_known():
    """What an engine of another test said of its models is forgotten."""
    models.report(None)


@pytest.fixture(scope="session")
def factory_settings():
    """Nothing of the user's own Blender."""
    bpy.ops.wm.read_factory_settings()


@pytest.fixture
def scene(factory_settings):
    """A fresh, empty Blender scene of 24 frames a second; those of earlier tests are gone."""
    # Factory settings at each test would load all of Blender's own add-ons anew, ten times as slow.
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    # Versions differ in their defaults.
    bpy.context.scene.render.fps = 24
    return bpy.context.scene


@pytest.fixture
def addon(scene):
    """The add-on, registered for one test, with an empty scene; its session, jobs and timers end with it."""
    isa_blender_addon.register()
    yield scene
    isa_blender_addon.unregister()
