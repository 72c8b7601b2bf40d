"""A character that is placed as a collection instance, made an object that can be read."""

import bpy
from bpy.props import StringProperty

from isa_engine.errors import SceneError

from ...preflight.file_state import look_again
from ...rigs.instances import make_real
from ...settings.cast import refresh_cast
from ..kinds.operator import Operator


class ISA_OT_make_instance_real(Operator, bpy.types.Operator):
    bl_idname = "isa.make_instance_real"
    bl_label = "Make Real"
    bl_description = "Replace the instance by copies of its objects, which pose as it does"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    instance: StringProperty()

    def run(self, context) -> None:
        item = next((o for o in context.view_layer.objects if o.name_full == self.instance), None)
        if item is None:
            raise SceneError("'{name}' is not in the view layer", name=self.instance)
        make_real(item)
        refresh_cast(context.scene)
        look_again()


CLASSES = (ISA_OT_make_instance_real,)
