"""Operators that read the scene."""

import bpy
import pytest

from isa_blender_addon.operators.kinds.reading import ReadingOperator
from isa_blender_addon.session.current import session
from isa_blender_addon.session.reading.reading import Reading
from tests.addon.scenes.cast import stage

pytestmark = pytest.mark.usefixtures("addon")


def test_while_a_scene_is_read_no_button_that_reads_one_can_be_pressed(scene):
    stage(scene)
    buttons = [
        getattr(bpy.ops.isa, kind.bl_idname.removeprefix("isa.")) for kind in ReadingOperator.__subclasses__()
    ]
    assert len(buttons) >= 4
    assert all(button.poll() for button in buttons)
    session().reading = Reading(scene)
    assert not any(button.poll() for button in buttons)
    session().reading.close()
    assert all(button.poll() for button in buttons)
