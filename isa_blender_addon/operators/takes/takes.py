"""The buttons of the takes. What they change in a scene can be undone; what is deleted is in the trash."""

from pathlib import Path

import bpy
from bpy.props import StringProperty

from isa_engine.errors import IsaError

from ...blender.window import redraw
from ...language.translation import in_words, said, words
from ...session.current import session
from ...takes.files import beside, size
from ...takes.shown import check_deletable, other_folder, show_results, show_take, shown_folder, use_settings
from ...takes.take import Take
from ...takes.trash import has_trash
from ..kinds.operator import Operator, Result


class _OfTake(Operator):
    take: StringProperty(name="Take", description="Its folder", options={"HIDDEN"})

    @property
    def found(self) -> Take | None:
        """The one that is meant; None where it has gone in the meantime."""
        return session().queue.take(Path(self.take))


class ISA_OT_show_take(_OfTake, bpy.types.Operator):
    bl_idname = "isa.show_take"
    bl_label = "Show"
    bl_description = "Let the plate show this take"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    def run(self, context) -> Result | None:
        if self.found is None:
            return {"CANCELLED"}
        show_take(context.scene, self.found)
        return {"FINISHED"}


class ISA_OT_compare_takes(Operator, bpy.types.Operator):
    bl_idname = "isa.compare_takes"
    bl_label = "Compare A|B"
    bl_description = "Change between the take that is shown and the one that was shown before it"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context) -> bool:
        cls.poll_message_set("Show another take first")
        return other_folder(context.scene) is not None and shown_folder(context.scene) is not None

    def run(self, context) -> None:
        show_results(context.scene, other_folder(context.scene))


class ISA_OT_use_settings(_OfTake, bpy.types.Operator):
    bl_idname = "isa.use_settings"
    bl_label = "Use These Settings"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    @classmethod
    def description(cls, _context, properties) -> str:
        take = session().queue.take(Path(properties.take))
        if take is None:
            return ""
        made = take.settings
        text = "{model} on {width}×{height} pixels, {steps} steps, guidance {guidance:.4g}, seed {seed}"
        if made.plate_scale > 1:
            text = (
                "{model} on {width}×{height} pixels, plate scale {scale}, {steps} steps, guidance "
                "{guidance:.4g}, seed {seed}"
            )
        return words(
            text,
            model=made.model,
            width=made.width,
            height=made.height,
            scale=made.plate_scale,
            steps=made.steps,
            guidance=made.guidance,
            seed=made.seed,
        )

    def run(self, context) -> Result | None:
        if self.found is None:
            return {"CANCELLED"}
        use_settings(context.scene, self.found)
        return {"FINISHED"}


class ISA_OT_pin_take(_OfTake, bpy.types.Operator):
    bl_idname = "isa.pin_take"
    bl_label = "Pin"
    bl_description = "Keep this take on top, and from being deleted"
    bl_options = {"INTERNAL"}

    def execute(self, _context) -> Result:
        if self.found is None:
            return {"CANCELLED"}
        session().queue.mark(self.found.folder, pinned=not self.found.pinned)
        session().keep_ticking()
        redraw()
        return {"FINISHED"}


class ISA_OT_delete_take(_OfTake, bpy.types.Operator):
    bl_idname = "isa.delete_take"
    bl_label = "Delete Take"
    bl_description = "Move this take's files to the trash, or delete them for good where there is none"
    bl_options = {"INTERNAL"}

    def invoke(self, context, _event) -> Result:
        take = self.found
        if take is None:
            return {"CANCELLED"}
        try:
            check_deletable(take)
        except IsaError as error:
            return self.fail(error)
        return context.window_manager.invoke_props_dialog(
            self,
            title=words("Delete {take}?", take=take.name),
            confirm_text="Move to Trash" if has_trash(take.folder) else "Delete for Good",
            # So that Return, pressed in a hurry, deletes nothing.
            cancel_default=True,
        )

    def draw(self, _context) -> None:
        if self.found is not None:
            for line in what_goes(self.found):
                self.layout.label(text=line, translate=False)

    def run(self, _context) -> Result | None:
        take = self.found
        if take is None:
            return {"CANCELLED"}
        check_deletable(take)
        trash = has_trash(take.folder)
        if trash:
            session().queue.move_to_trash(take.folder)
        else:
            session().queue.remove(take.folder)
        text = "{take} is in the trash." if trash else "{take} is deleted for good."
        self.report({"INFO"}, said(text, take=take.name))
        redraw()
        return {"FINISHED"}


def what_goes(take: Take) -> list[str]:
    """What deleting a take means, a line each."""
    first, last, _ = take.frames
    values = {"size": in_words(size(take.folder)), "first": first, "last": last, "seed": take.settings.seed}
    lines = [
        words("{size}: frames {first}–{last}, seed {seed}. No scene of this file shows it.", **values),
        str(take.folder),
    ]
    if names := beside(take.folder):
        lines.append(words("What others have put beside it stays: {names}.", names=", ".join(names)))
    if not has_trash(take.folder):
        lines.append(words("There is no trash for this drive: it goes for good."))
    return lines


CLASSES = (
    ISA_OT_show_take,
    ISA_OT_compare_takes,
    ISA_OT_use_settings,
    ISA_OT_pin_take,
    ISA_OT_delete_take,
)
