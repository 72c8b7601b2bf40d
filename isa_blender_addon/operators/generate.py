"""Read the scene frame by frame, then hand it to the engine."""

import time

import bpy

from isa_engine.errors import IsaError, SceneError

from ..folders import discard_take, new_take
from ..properties import generation_settings, playing, references, refresh_cast
from ..scene.camera import camera_at
from ..scene.capture import capture_frames
from ..scene.timeline import frame_numbers
from ..session import session

# Blender draws and listens between two stretches of reading.
_STRETCH_SECONDS = 0.03


class ISA_OT_generate(bpy.types.Operator):
    bl_idname = "isa.generate"
    bl_label = "Generate"
    bl_description = "Generate the shot and put it on the camera as a plate"

    @classmethod
    def poll(cls, _context) -> bool:
        cls.poll_message_set("A plate is being generated")
        return not session().busy

    def invoke(self, context, _event) -> set[str]:
        try:
            self._reading = Reading(context.scene)
        except IsaError as error:
            return fail(self, error)
        manager = context.window_manager
        self._timer = manager.event_timer_add(0.01, window=context.window)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context, event) -> set[str]:
        if event.type == "ESC":
            session().stop_capture = True
        elif event.type != "TIMER":
            # The mouse still reaches Cancel and the view; no key may change the scene under the reading.
            mouse = event.type in {"MOUSEMOVE", "LEFTMOUSE", "MIDDLEMOUSE", "WHEELUPMOUSE", "WHEELDOWNMOUSE"}
            return {"PASS_THROUGH"} if mouse else {"RUNNING_MODAL"}
        if session().stop_capture:
            session().note = "Cancelled."
            self.cancel(context)
            return {"CANCELLED"}
        unfinished = False
        try:
            unfinished = self._reading.stretch()
        except IsaError as error:
            return fail(self, error)
        finally:
            if not unfinished:
                context.window_manager.event_timer_remove(self._timer)
        return {"RUNNING_MODAL"} if unfinished else {"FINISHED"}

    def cancel(self, context) -> None:
        """The artist has had enough, or Blender closes or opens another file."""
        self._reading.close()
        context.window_manager.event_timer_remove(self._timer)

    def execute(self, context) -> set[str]:
        """Without a window: all frames at once."""
        try:
            reading = Reading(context.scene)
            while reading.step():
                pass
        except IsaError as error:
            return fail(self, error)
        return {"FINISHED"}


class Reading:
    """The scene on its way to the engine: one frame a ``step``.

    Raises:
        IsaError: the scene, the output folder or the engine is not ready; nothing is left behind.
    """

    def __init__(self, scene):
        now = session()
        now.error = now.note = ""
        now.stop_capture = False
        refresh_cast(scene)
        if problem := obstacle(scene):
            raise problem
        # The engine starts while the scene is read.
        now.start_engine()
        self.scene, self.take = scene, new_take(scene)
        self._frames = capture_frames(scene, generation_settings(scene), references(scene))
        now.captured = 0, len(frame_numbers(scene))

    def step(self) -> bool:
        """Read a frame; false when the last one was read before and the shot is on its way.

        Raises:
            IsaError: the scene cannot be read or the engine is gone; nothing is left behind.
        """
        try:
            session().captured = next(self._frames)
            return True
        except StopIteration as done:
            shot = done.value
        except ReferenceError as error:
            self.close()
            raise SceneError("the scene changed while it was read", remedy="Generate again.") from error
        except Exception:
            self.close()
            raise
        try:
            session().submit(self.scene, shot, self.take)
        except IsaError:
            self.close()
            raise
        session().captured = None
        return False

    def stretch(self) -> bool:
        """Steps for as long as Blender may stand still; false as ``step``."""
        end = time.monotonic() + _STRETCH_SECONDS
        while self.step():
            if time.monotonic() >= end:
                return True
        return False

    def close(self) -> None:
        """Stop reading and put the scene back."""
        self._frames.close()
        discard_take(self.take)
        session().captured = None


def obstacle(scene) -> SceneError | None:
    """Why nothing can be generated from the scene as it is, as far as a glance tells."""
    try:
        frame_numbers(scene)
        camera_at(scene, scene.frame_start)
    except SceneError as error:
        return error
    if not playing(scene):
        remedy = "Add one (Add ▸ SMPL-X Character), show it in renders, or include it in the cast."
        return SceneError("there is no character", where=f"scene '{scene.name}'", remedy=remedy)
    return None


def fail(operator, error: IsaError) -> set[str]:
    """Say it where the artist looks, and in the panel."""
    session().error = str(error)
    operator.report({"ERROR"}, str(error))
    return {"CANCELLED"}


CLASSES = (ISA_OT_generate,)
