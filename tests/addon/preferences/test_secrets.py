"""What only its owner may read is in the preferences, and in no scene."""

import bpy
import pytest

pytestmark = pytest.mark.usefixtures("addon")


def test_nothing_secret_is_saved_with_a_scene(scene):
    names = {prop.identifier for prop in scene.isa.bl_rna.properties}
    assert not [name for name in names if "token" in name or "url" in name or "remote" in name]
    token = bpy.types.AddonPreferences.bl_rna_get_subclass_py("Preferences").bl_rna.properties["remote_token"]
    assert token.subtype == "PASSWORD"
