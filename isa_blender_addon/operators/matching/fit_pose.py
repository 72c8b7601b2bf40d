"""Pose a ghost by the joints marked on its picture."""

from concurrent.futures import ThreadPoolExecutor

import bpy
from bpy.props import StringProperty

from isa_engine.body.fitting.fitting import Fit, fit_pose
from isa_engine.body.fitting.landmarks import Sighting

from ...language.translation import said
from ...matching.draw import marking
from ...matching.found import kept
from ...matching.ghost import make_ghost, make_ghost_to_fit
from ...matching.pose import take_fit
from ...matching.seen import match_error, picture_intrinsics
from ...scene.picture import picture_size
from ...scene.skeleton import rest_joints
from ...settings.cast import cast_member
from ..kinds.waiting import WaitingOperator


class ISA_OT_fit_pose(WaitingOperator, bpy.types.Operator):
    bl_idname = "isa.fit_pose"
    bl_label = "Fit Pose"
    bl_description = "Pose the stand-in so that its joints lie on the marks; depth is guessed as people move"
    bl_options = {"REGISTER", "UNDO"}

    character: StringProperty(options={"HIDDEN"})
    every = 0.05

    def begin(self, context) -> None:
        scene = context.scene
        member = cast_member(scene, self.character)
        make_ghost_to_fit(scene, member)
        context.view_layer.update()
        size = picture_size(member.picture)
        marks, seen = member.marks * size, picture_intrinsics(scene, member)
        background = ThreadPoolExecutor(1, "isa-fit")
        self._fit = background.submit(
            fit_pose, rest_joints(member.ghost), marks, size, seen, sighting(member)
        )
        background.shutdown(wait=False)
        marking.fitted = self.character
        redraw_all(context)

    def look(self, _context) -> bool:
        return self._fit.done()

    def end(self, context) -> None:
        try:
            fit = self._fit.result()
        finally:
            self.leave(context)
        # Undo may have replaced what there was when it began.
        member = cast_member(context.scene, self.character)
        make_ghost(context.scene, member)
        self.report({"INFO"}, match(context, member, fit))

    def leave(self, context) -> None:
        marking.fitted = None
        redraw_all(context)


def match(context, member, fit: Fit) -> str:
    """Pose a ghost as fitted; the sentence that tells how well."""
    take_fit(member, fit)
    member.pose = "MATCHED"
    context.view_layer.update()
    pixels = match_error(context.scene, member)
    return said("{name} is matched to {pixels:.1f} pixels.", name=member.character.name_full, pixels=pixels)


def refit(context, member) -> None:
    """Pose a ghost anew by its marks, at once.

    Raises:
        BodyError: no pose fits them.
    """
    scene, size = context.scene, picture_size(member.picture)
    seen = picture_intrinsics(scene, member)
    fit = fit_pose(rest_joints(member.ghost), member.marks * size, size, seen, sighting(member))
    take_fit(member, fit)
    context.view_layer.update()
    redraw_all(context)


def sighting(member) -> Sighting | None:
    """What the detector saw of a member in its picture; None where it did not."""
    found = kept(member)
    return found.sighting if found else None


def redraw_all(context) -> None:
    """The ghost is drawn in the Image Editor and in the viewport, and told of beside both."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("VIEW_3D", "IMAGE_EDITOR"):
                area.tag_redraw()


CLASSES = (ISA_OT_fit_pose,)
