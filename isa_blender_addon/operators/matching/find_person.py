"""Find who is in a character's picture, and pose its ghost as that person."""

from concurrent.futures import ThreadPoolExecutor

import bpy
import numpy as np
from bpy.props import FloatVectorProperty, IntProperty, StringProperty

from isa_engine.detection.detector import Detector

from ...language.translation import said, words
from ...matching.draw import marking, matched_member
from ...matching.found import Wish, at, find, keep, kept
from ...matching.ghost import make_ghost, make_ghost_to_fit
from ...matching.seen import picture_intrinsics
from ...scene.picture import picture_size, read_picture
from ...scene.skeleton import rest_joints
from ...settings.cast import cast_member
from ..kinds.operator import Operator, Result
from ..kinds.waiting import WaitingOperator
from .fit_pose import match, redraw_all

# Pixels of the screen that the mouse moves at least from a press to a release that make a box.
_DRAGGED = 8.0


class ISA_OT_find_person(WaitingOperator, bpy.types.Operator):
    bl_idname = "isa.find_person"
    bl_label = "Find Person"
    bl_description = "Find who is in the picture, and pose the stand-in as that person, hands included"
    bl_options = {"REGISTER", "UNDO"}

    character: StringProperty(options={"HIDDEN"})
    which: IntProperty(default=-1, options={"HIDDEN", "SKIP_SAVE"})
    box: FloatVectorProperty(size=4, options={"HIDDEN", "SKIP_SAVE"})
    every = 0.1

    @classmethod
    def poll(cls, _context) -> bool:
        cls.poll_message_set("Somebody is being looked for")
        return marking.detector is None

    def begin(self, context) -> None:
        scene = context.scene
        member = cast_member(scene, self.character)
        make_ghost_to_fit(scene, member)
        detector = Detector()
        encoded = read_picture(member.picture, self.character)
        context.view_layer.update()
        size, before = picture_size(member.picture), kept(member)
        box = np.array(self.box) * [*size, *size] if any(self.box) else None
        known = before.people if before and (box is not None or self.which >= 0) else []
        which = self.which if 0 <= self.which < len(known) else None
        wish = Wish(known, which, box, _others(scene, member))
        place = rest_joints(member.ghost), size, picture_intrinsics(scene, member)
        background = ThreadPoolExecutor(1, "isa-find")
        self._work = background.submit(find, detector, encoded, self.character, wish, *place)
        background.shutdown(wait=False)
        marking.detector, marking.sought = detector, self.character
        redraw_all(context)

    def look(self, _context) -> bool:
        return self._work.done()

    def end(self, context) -> Result | None:
        try:
            found, fit = self._work.result()
        finally:
            self._forget(context)
        scene = context.scene
        # Undo may have replaced what there was when it began.
        member = cast_member(scene, self.character)
        make_ghost(scene, member)
        keep(member, found)
        member.marks = found.sighting.marks() / picture_size(member.picture)
        self.report({"INFO"}, match(context, member, fit))
        if len(found.people) > 1 and self.which < 0 and not any(self.box):
            note = said(
                "{count} people are in the picture. If it is another one: Choose Person.",
                count=len(found.people),
            )
            self.report({"INFO"}, note)
        return None

    def leave(self, context) -> None:
        marking.detector.cancel()
        self._forget(context)

    def _forget(self, context) -> None:
        marking.detector = marking.sought = None
        redraw_all(context)


def _others(scene, member) -> list[np.ndarray]:
    """Boxes of who is somebody else in the same picture, pixels."""
    others = [other for other in scene.isa.cast if other != member and other.picture == member.picture]
    known = [found for found in map(kept, others) if found]
    return [found.people[found.which].box() for found in known]


class ISA_OT_stop_finding(bpy.types.Operator):
    bl_idname = "isa.stop_finding"
    bl_label = "Cancel"
    bl_description = "Stop looking for people"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, _context) -> bool:
        return marking.detector is not None

    def execute(self, _context) -> Result:
        marking.detector.cancel()
        return {"FINISHED"}


class ISA_OT_choose_person(Operator, bpy.types.Operator):
    bl_idname = "isa.choose_person"
    bl_label = "Choose Person"
    bl_description = (
        "Click in the picture who the character is, or draw a box around somebody who was not found"
    )

    @classmethod
    def poll(cls, context) -> bool:
        cls.poll_message_set("Open the picture of a character of the cast first")
        return matched_member(context) is not None and marking.detector is None

    def invoke(self, context, _event) -> Result:
        self._area = context.area
        self._region = next(region for region in context.area.regions if region.type == "WINDOW")
        self._pressed: np.ndarray | None = None
        marking.choosing = True
        self._area.header_text_set(words("Click a person, or draw a box around one. Escape ends."))
        self._area.tag_redraw()
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context, event) -> Result:
        member = matched_member(context)
        if member is None or event.type in {"ESC", "RIGHTMOUSE"}:
            self.cancel(context)
            return {"CANCELLED"}
        place = np.array([event.mouse_x - self._region.x, event.mouse_y - self._region.y], float)
        inside = (place >= 0).all() and (place < [self._region.width, self._region.height]).all()
        if event.type == "MOUSEMOVE" and self._pressed is not None:
            marking.box = self._box(place)
            self._area.tag_redraw()
            return {"RUNNING_MODAL"}
        if event.type != "LEFTMOUSE" or not (inside or self._pressed is not None):
            return {"PASS_THROUGH"}
        if event.value == "PRESS":
            self._pressed = place
        elif event.value == "RELEASE" and self._pressed is not None:
            chosen = self._chosen(member, place)
            self._pressed = None
            if chosen:
                self.cancel(context)
                bpy.ops.isa.find_person("INVOKE_DEFAULT", character=member.character.name_full, **chosen)
                return {"FINISHED"}
        return {"RUNNING_MODAL"}

    def cancel(self, _context) -> None:
        marking.choosing, marking.box = False, None
        self._area.header_text_set(None)
        self._area.tag_redraw()

    def _chosen(self, member, place: np.ndarray) -> dict:
        """What to look for; empty where nobody was clicked."""
        if np.abs(place - self._pressed).max() >= _DRAGGED:
            return {"box": self._box(place).tolist()}
        found = kept(member)
        x, y = self._region.view2d.region_to_view(*place)
        which = at(found.people, np.array([x, 1 - y]) * picture_size(member.picture)) if found else None
        return {} if which is None else {"which": which}

    def _box(self, place: np.ndarray) -> np.ndarray:
        """From the press to here, in parts of the picture, y down."""
        corners = np.array([self._region.view2d.region_to_view(*corner) for corner in (self._pressed, place)])
        corners[:, 1] = 1 - corners[:, 1]
        return np.clip(np.concatenate([corners.min(0), corners.max(0)]), 0, 1)


CLASSES = (ISA_OT_find_person, ISA_OT_stop_finding, ISA_OT_choose_person)
