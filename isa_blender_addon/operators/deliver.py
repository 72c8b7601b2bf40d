"""The plate's people with alpha, beside the plate."""

import bpy
from bpy.props import EnumProperty

from isa_engine.errors import Cancelled, IsaError

from ..language.translation import said
from ..session import delivery
from ..session.delivery import current
from ..session.window import redraw
from .operator import Operator, Result

_POLL_SECONDS = 0.2


class ISA_OT_deliver(Operator, bpy.types.Operator):
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
        return current() is None and bool(context.scene.isa.last_results)

    def invoke(self, context, _event) -> Result:
        try:
            delivery.start(context.scene, self.kind)
        except IsaError as error:
            return self.fail(error)
        manager = context.window_manager
        self._timer = manager.event_timer_add(_POLL_SECONDS, window=context.window)
        manager.modal_handler_add(self)
        redraw()
        return {"RUNNING_MODAL"}

    def modal(self, context, event) -> Result:
        if event.type != "TIMER" or (current() is not None and not current().over):
            return {"PASS_THROUGH"}
        context.window_manager.event_timer_remove(self._timer)
        # The add-on may have been disabled meanwhile.
        if current() is None:
            return {"CANCELLED"}
        try:
            return self._end() or {"FINISHED"}
        except IsaError as error:
            return self.fail(error)

    def cancel(self, context) -> None:
        """Blender closes or opens another file."""
        context.window_manager.event_timer_remove(self._timer)
        delivery.close()

    def run(self, context) -> Result | None:
        delivery.start(context.scene, self.kind)
        return self._end()

    def _end(self) -> Result | None:
        try:
            out = delivery.finish()
        except Cancelled:
            self.report({"INFO"}, said("Cancelled."))
            return {"CANCELLED"}
        finally:
            redraw()
        self.report({"INFO"}, said("The people are in {out}.", out=out))
        return None


class ISA_OT_cancel_delivery(bpy.types.Operator):
    bl_idname = "isa.cancel_delivery"
    bl_label = "Cancel"
    bl_description = "Stop writing people with alpha"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, _context) -> bool:
        return current() is not None

    def execute(self, _context) -> Result:
        current().cancel()
        return {"FINISHED"}


CLASSES = (ISA_OT_deliver, ISA_OT_cancel_delivery)
