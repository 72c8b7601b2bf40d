import tempfile

import bpy
import pytest

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


@pytest.fixture
def scene():
    """A fresh, empty Blender scene of 24 frames a second; those of earlier tests are gone."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    # Versions differ in their defaults.
    bpy.context.scene.render.fps = 24
    return bpy.context.scene
