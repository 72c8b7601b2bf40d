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
        if not self._begin(context):
            return {"CANCELLED"}
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
        if not session().stop_capture:
            end = time.monotonic() + _STRETCH_SECONDS
            while time.monotonic() < end:
                if not self._step(context):
                    self._end(context)
                    return {"FINISHED"} if session().job else {"CANCELLED"}
            return {"RUNNING_MODAL"}
        session().note = "Cancelled."
        self.cancel(context)
        return {"CANCELLED"}

    def execute(self, context) -> set[str]:
        """Without a window: all frames at once."""
        if not self._begin(context):
            return {"CANCELLED"}
        while self._step(context):
            pass
        session().captured = None
        return {"FINISHED"} if session().job else {"CANCELLED"}

    def cancel(self, context) -> None:
        """Blender is closing, another file is opened, or the artist has had enough."""
        self._frames.close()
        discard_take(self._take)
        self._end(context)

    def _begin(self, context) -> bool:
        scene, now = context.scene, session()
        now.error = now.note = ""
        now.stop_capture = False
        try:
            refresh_cast(scene)
            if problem := obstacle(scene):
                raise problem
            # The engine starts while the scene is read.
            now.start_engine()
            self._take = new_take(scene)
        except IsaError as error:
            self._fail(error)
            return False
        self._scene = scene
        self._frames = capture_frames(scene, generation_settings(scene), references(scene))
        now.captured = 0, len(frame_numbers(scene))
        return True

    def _step(self, context) -> bool:
        """Read a frame; false after the last one, when the shot is on its way or has failed."""
        try:
            session().captured = next(self._frames)
            return True
        except StopIteration as done:
            try:
                session().submit(self._scene, done.value, self._take)
            except IsaError as error:
                self._fail(error)
        except IsaError as error:
            self._fail(error)
        except ReferenceError:
            self._fail(SceneError("the scene changed while it was read", remedy="Generate again."))
        if session().job is None:
            discard_take(self._take)
        return False

    def _end(self, context) -> None:
        session().captured = None
        context.window_manager.event_timer_remove(self._timer)

    def _fail(self, error: IsaError) -> None:
        session().error = str(error)
        self.report({"ERROR"}, str(error))


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


CLASSES = (ISA_OT_generate,)
