"""The plate's people with alpha, beside the plate."""

import bpy
from bpy.props import EnumProperty

from ...blender.window import redraw
from ...language.translation import said
from ...session.programs import delivery
from ..kinds.operator import Result
from ..kinds.waiting import WaitingOperator


class ISA_OT_deliver(WaitingOperator, bpy.types.Operator):
    bl_idname = "isa.deliver"
    bl_label = "Save with Alpha"
    bl_description = "Write the people without their background beside the plate, for other programs"

    kind: EnumProperty(
        name="As",
        items=[
            ("prores", "ProRes 4444", "A movie with straight alpha"),
            ("png", "PNG Sequence", "Pictures with straight alpha"),
            ("exr", "OpenEXR Sequence", "Pictures of light with premultiplied alpha"),
        ],
    )

    @classmethod
    def poll(cls, context) -> bool:
        cls.poll_message_set("Generate or import a plate first, and let what is being written end")
        return delivery.under_way.current is None and bool(context.scene.isa.last_results)

    def begin(self, context) -> None:
        delivery.begin(context.scene, self.kind)
        redraw()

    def look(self, _context) -> bool:
        return delivery.under_way.current is None or delivery.under_way.current.command.over

    def end(self, _context) -> Result | None:
        # The add-on may have been disabled meanwhile.
        if delivery.under_way.current is None:
            return {"CANCELLED"}
        try:
            out = delivery.under_way.finish()
        finally:
            redraw()
        self.report({"INFO"}, said("The people are in {out}.", out=out))
        return None

    def leave(self, _context) -> None:
        delivery.under_way.close()


class ISA_OT_cancel_delivery(bpy.types.Operator):
    bl_idname = "isa.cancel_delivery"
    bl_label = "Cancel"
    bl_description = "Stop writing people with alpha"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, _context) -> bool:
        return delivery.under_way.current is not None

    def execute(self, _context) -> Result:
        delivery.under_way.current.command.cancel()
        return {"FINISHED"}


CLASSES = (ISA_OT_deliver, ISA_OT_cancel_delivery)
