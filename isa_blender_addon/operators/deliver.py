"""The plate's people with alpha, beside the plate."""

import contextlib

import bpy
from bpy.props import EnumProperty

from isa_engine.errors import Cancelled, IsaError

from ..language.translation import said, told
from ..session import delivery
from ..session.current import redraw
from .result import Result

_POLL_SECONDS = 0.2

# One at a time, so that a button can cancel it.
_current: delivery.Delivery | None = None


def current() -> delivery.Delivery | None:
    """What is being written."""
    return _current


class ISA_OT_deliver(bpy.types.Operator):
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
        if not self._begin(context.scene):
            return {"CANCELLED"}
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
        return self._end() if current() is not None else {"CANCELLED"}

    def cancel(self, context) -> None:
        """Blender closes or opens another file."""
        context.window_manager.event_timer_remove(self._timer)
        close()

    def execute(self, context) -> Result:
        return self._end() if self._begin(context.scene) else {"CANCELLED"}

    def _begin(self, scene) -> bool:
        global _current
        try:
            _current = delivery.begin(scene, self.kind)
        except IsaError as error:
            self.report({"ERROR"}, told(error))
            return False
        return True

    def _end(self) -> Result:
        global _current
        ended, _current = _current, None
        redraw()
        try:
            out = ended.wait()
        except Cancelled:
            self.report({"INFO"}, said("Cancelled."))
            return {"CANCELLED"}
        except IsaError as error:
            self.report({"ERROR"}, told(error))
            return {"CANCELLED"}
        self.report({"INFO"}, said("The people are in {out}.", out=out))
        return {"FINISHED"}


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


def close() -> None:
    """End what is being written, and leave nothing half."""
    global _current
    if _current is None:
        return
    ended, _current = _current, None
    ended.cancel()
    with contextlib.suppress(Cancelled, IsaError):
        ended.wait()


CLASSES = (ISA_OT_deliver, ISA_OT_cancel_delivery)
