"""Mark a character's joints on its picture, in the Image Editor, one click each."""

import bpy
import numpy as np
from bpy.props import StringProperty

from isa_engine.errors import IsaError, SceneError

from ...language.translation import words
from ...matching.draw import marking, matched_member, on_screen
from ...matching.found import keep
from ...matching.marks import in_words, mark_at, next_unmarked
from ...matching.pose import is_posed, named_keypoints
from ...scene.characters import joint_bones
from ...scene.picture import read_picture
from ...settings.cast import cast_member, has_ghost
from ..kinds.operator import Operator, Result
from .fit_pose import refit


class ISA_OT_open_picture(Operator, bpy.types.Operator):
    bl_idname = "isa.open_picture"
    bl_label = "Mark Joints"
    bl_description = "Open the character's picture in a window of its own, to mark joints on it"

    character: StringProperty(options={"HIDDEN"})

    def run(self, context) -> None:
        member = cast_member(context.scene, self.character)
        read_picture(member.picture, self.character)
        image = bpy.data.images.load(bpy.path.abspath(member.picture), check_existing=True)
        if context.window is not None:
            bpy.ops.wm.window_new()
            area = context.window_manager.windows[-1].screen.areas[0]
            area.type = "IMAGE_EDITOR"
            area.spaces.active.image = image
            area.spaces.active.show_region_ui = True


class ISA_OT_mark_joints(Operator, bpy.types.Operator):
    bl_idname = "isa.mark_joints"
    bl_label = "Mark Joints"
    bl_description = (
        "Click each joint as the header asks for it. Shift drags a mark, S skips a joint, X removes the mark "
        "under the mouse, Enter or Escape ends"
    )
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context) -> bool:
        cls.poll_message_set("Open the picture of a character of the cast first")
        return matched_member(context) is not None

    def invoke(self, context, _event) -> Result:
        member = matched_member(context)
        known = named_keypoints(member.character) if member.character.type == "ARMATURE" else []
        if not any(known):
            # Marks would measure nothing.
            name = member.character.name_full
            problem = "no joint of '{name}' is known by its name"
            remedy = "Pose its stand-in by the picture, in Pose Mode."
            return self.fail(SceneError(problem, remedy=remedy, name=name))
        self._skipped = {index for index, one in enumerate(known) if not one}
        self._dragged: int | None = None
        self._area, self._region = context.area, _window_region(context.area)
        context.window_manager.modal_handler_add(self)
        self._ask(context)
        return {"RUNNING_MODAL"}

    def modal(self, context, event) -> Result:
        member = matched_member(context)
        if member is None or event.type in {"ESC", "RET", "NUMPAD_ENTER"}:
            self.cancel(context)
            return {"FINISHED"}
        place = np.array([event.mouse_x - self._region.x, event.mouse_y - self._region.y], float)
        inside = (place >= 0).all() and (place < [self._region.width, self._region.height]).all()
        if event.type == "LEFTMOUSE" and event.value == "RELEASE":
            if self._dragged is not None:
                self._refit(context, member)
            self._dragged = None
        elif event.type == "MOUSEMOVE" and self._dragged is not None:
            self._put(member, self._dragged, place)
        elif not inside or event.value != "PRESS":
            return {"PASS_THROUGH"}
        elif event.type == "LEFTMOUSE":
            self._click(member, place, event.shift)
        elif event.type == "S" and marking.asked is not None:
            self._skipped.add(marking.asked)
        elif (
            event.type == "X" and (index := mark_at(on_screen(self._region, member.marks), place)) is not None
        ):
            self._set(member, index, np.full(2, np.nan))
        else:
            return {"PASS_THROUGH"}
        self._ask(context)
        return {"RUNNING_MODAL"}

    def cancel(self, _context) -> None:
        marking.asked = None
        self._area.header_text_set(None)
        self._area.tag_redraw()

    def _refit(self, context, member) -> None:
        """A ghost that has been fitted follows its marks at once."""
        if not has_ghost(context.scene, member) or not is_posed(member.ghost):
            return
        if joint_bones(member.ghost) is None:
            return
        try:
            refit(context, member)
        except IsaError as error:
            self.complain(error, "WARNING")

    def _click(self, member, place: np.ndarray, shift: bool) -> None:
        # Eyes and ears lie close together, so a click near a mark may still mean the joint that is asked for.
        self._dragged = None if shift else next_unmarked(member.marks, self._skipped)
        if self._dragged is not None:
            self._put(member, self._dragged, place)
        else:
            self._dragged = mark_at(on_screen(self._region, member.marks), place)

    def _put(self, member, index: int, place: np.ndarray) -> None:
        x, y = self._region.view2d.region_to_view(*place)
        self._set(member, index, np.clip([x, 1 - y], 0, 1))

    def _set(self, member, index: int, place: np.ndarray) -> None:
        marks = member.marks
        marks[index] = place
        member.marks = marks

    def _ask(self, context) -> None:
        marking.asked = next_unmarked(matched_member(context).marks, self._skipped)
        if marking.asked is None:
            text = words("All marked. Drag a mark to move it, X removes it, Enter ends.")
        else:
            joint = words(in_words(marking.asked))
            text = words(
                "Click {joint}: left and right are the character's. S skips, Shift drags a mark, Enter ends.",
                joint=joint,
            )
        self._area.header_text_set(text)
        self._area.tag_redraw()


class ISA_OT_clear_marks(bpy.types.Operator):
    bl_idname = "isa.clear_marks"
    bl_label = "Clear Marks"
    bl_description = "Remove all marks from the picture, and forget who was found in it"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context) -> bool:
        return matched_member(context) is not None

    def execute(self, context) -> Result:
        member = matched_member(context)
        member.marks = np.full_like(member.marks, np.nan)
        keep(member, None)
        return {"FINISHED"}


def _window_region(area):
    return next(region for region in area.regions if region.type == "WINDOW")


CLASSES = (ISA_OT_open_picture, ISA_OT_mark_joints, ISA_OT_clear_marks)
