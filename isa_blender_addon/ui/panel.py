"""The ISA tab of the 3D viewport's sidebar.

Drawing reads what is known already and computes nothing that grows with the scene.
"""

from collections.abc import Sequence

import bpy

from isa_engine.controls import CONTROLS
from isa_engine.models import steered_by

from .. import plate
from ..language.translation import words
from ..overlay.watch import watch
from ..plate.camera_plane import DEPTH
from ..scene.camera import pieces
from ..scene.timeline import render_size
from ..session.current import session
from ..session.generating import expected
from ..session.programs import tracking
from ..session.reading.readiness import obstacle
from ..settings.cast import playing
from ..settings.models import chosen
from ..settings.shot import can_hold_out, canvas
from .bar import draw_bar
from .cast_list import draw_member
from .engine import draw_engine
from .messages import draw_messages, messages
from .models import draw_model
from .presets import draw_presets
from .sentence import sentence


class _Panel:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "ISA"


class ISA_PT_generate(_Panel, bpy.types.Panel):
    # With a header: behind a panel that has none Blender draws no ground, and its words stand on the scene.
    bl_label = "Next Take"
    bl_order = 0

    def draw(self, context) -> None:
        layout, now, scene = self.layout, session(), context.scene
        problem = obstacle(scene)
        absent = now.engine.status().state == "absent"
        both = layout.row(align=True)
        both.scale_y = 1.6
        both.enabled = problem is None
        row = both.row(align=True)
        row.enabled = not absent
        text = words("Generate Anyway" if now.held else "Generate")
        # Before anything is known of the engine it would be a guess.
        if problem is None and now.engine.health and playing(scene):
            text += duration(sum(expected(now, scene).values()))
        button = row.operator("isa.generate", text=text, translate=False, icon="RENDER_ANIMATION")
        button.anyway = now.held
        both.operator("isa.check_shot", text="", icon="CHECKMARK")
        draw_bar(layout)
        draw_presets(context, layout)
        seed = layout.row(align=True)
        seed.prop(scene.isa, "seed")
        # The die of Blender's own icons.
        seed.operator("isa.roll_seed", text="", icon="FILE_REFRESH")
        draw_view(scene, layout)
        if absent:
            draw_engine(context, layout)
        draw_messages(context, layout, messages(problem))


def draw_view(scene, layout) -> None:
    """What the camera's view shows of stage and plate; nothing where there is no plate."""
    if not plate.files(scene):
        return
    column = layout.column(align=True)
    column.row(align=True).prop(scene.isa, "view", expand=True)
    if scene.isa.view == "BOTH":
        column.prop(scene.isa, "opacity", slider=True)


class ISA_PT_cast(_Panel, bpy.types.Panel):
    bl_label = "Cast"
    bl_order = 1

    def draw(self, context) -> None:
        layout, isa = self.layout, context.scene.isa
        row = layout.row()
        row.template_list("ISA_UL_cast", "", isa, "cast", isa, "cast_index", rows=3)
        side = row.column(align=True)
        remove = side.row(align=True)
        chosen = isa.cast[isa.cast_index] if 0 <= isa.cast_index < len(isa.cast) else None
        remove.enabled = chosen is not None and chosen.character is not None
        name = chosen.character.name_full if remove.enabled else ""
        remove.operator("isa.remove_character", text="", icon="REMOVE").character = name
        side.operator("isa.refresh_cast", text="", icon="FILE_REFRESH")
        # Two a row: in a narrow sidebar three have no room for their words.
        row = layout.row(align=True)
        row.operator("isa.add_character", text="Character", icon="ADD")
        row.operator("isa.import_people", text="People", icon="COMMUNITY")
        row = layout.row(align=True)
        row.operator("isa.import_motion", text="Motion", icon="IMPORT")
        row.operator_menu_enum("isa.bundled_motion", "clip", text="Bundled")
        if tracking.under_way.current is not None:
            row = layout.row(align=True)
            row.label(text=followed(*tracking.under_way.current.progress), translate=False, icon="VIEWZOOM")
            row.operator("isa.stop_tracking", text="", icon="X")
        layout.operator("isa.add_to_cast", icon="USER")
        if not isa.cast:
            layout.operator("isa.add_demo_scene", icon="SCENE_DATA")
        # Last, for it is of another height for everybody.
        if 0 <= isa.cast_index < len(isa.cast):
            draw_member(context, layout, isa.cast[isa.cast_index])


def followed(what: str, done: int, of: int) -> str:
    """How far the people of a video are followed, in words."""
    if not of:
        return words("Looking for people…")
    text = "Looking at frame {done} of {of}" if what == "seen" else "Posing people, {done} of {of}"
    return words(text, done=done, of=of)


class ISA_PT_shot(_Panel, bpy.types.Panel):
    bl_label = "Shot"
    bl_order = 5

    def draw(self, context) -> None:
        scene = context.scene
        for line in shot_lines(scene):
            sentence(context, self.layout, line)
        self.layout.prop(scene.isa, "overlay", icon="OVERLAY", toggle=True)
        if scene.isa.overlay:
            draw_controls(context, self.layout)
            if problem := watch.problem(scene):
                sentence(context, self.layout, problem, "INFO")


def draw_controls(context, layout) -> None:
    """Which of the pictures that steer the scene's model the overlay shows, and of those that other programs
    are steered by; nothing for a model that no picture steers."""
    scene = context.scene
    model = chosen(scene)
    if model is None or not model.controls:
        return
    sent = steered_by(model, scene.isa.steering, scene.isa.painted)
    others = [name for name in CONTROLS if name not in sent]
    for title, names in (("Controls", sent), ("Not Sent to It", others)):
        if names:
            column = layout.column(align=True)
            column.label(text=title)
            row = column.row(align=True)
            for name in names:
                row.prop_enum(scene.isa, "controls", name)
    masked = {*model.painted} & {*sent} & scene.isa.controls
    if masked and scene.isa.background == "NONE":
        sentence(context, layout, "Without a background all of the frame is painted.", "INFO")
    if "depth" in {*sent} & scene.isa.controls and scene.isa.background == "FOOTAGE":
        sentence(context, layout, "Of footage only the cast's depth is known.", "INFO")


class ISA_PT_background(_Panel, bpy.types.Panel):
    bl_label = "Background"
    bl_order = 6

    def draw(self, context) -> None:
        layout, isa = self.layout, context.scene.isa
        layout.row().prop(isa, "background", expand=True)
        if isa.background == "RENDER":
            row = layout.row()
            row.prop(isa, "background_quick")
            row.prop(isa, "background_shadows")
            if can_hold_out(context.scene):
                row.prop(isa, "background_holdout")
            layout.operator("isa.renew_background", icon="FILE_REFRESH")
        elif isa.background == "FOOTAGE":
            layout.template_ID(isa, "footage", open="image.open")
            layout.prop(isa, "footage_start")


class ISA_PT_look(_Panel, bpy.types.Panel):
    bl_label = "Look"
    bl_order = 2

    def draw(self, context) -> None:
        layout, isa = self.layout, context.scene.isa
        # The whole width: half of it has no room for four words.
        layout.row(align=True).prop(isa, "plate")
        layout.use_property_split = True
        layout.use_property_decorate = False
        model = draw_model(context.scene, layout)
        if model is not None and model.detail > 1:
            layout.prop(isa, "detail")
        for name in ("steps", "policy", "guidance"):
            layout.prop(isa, name)
        if model is not None and model.prompted:
            layout.prop(isa, "prompt", placeholder="A street in the rain")
            layout.prop(isa, "negative_prompt")
        if model is not None and model.one_by_one:
            layout.prop(isa, "one_by_one")
        if model is not None:
            for choice in ("steering", "painted"):
                if known := getattr(model, choice):
                    draw_choice(layout, isa, choice, known)
        layout.prop(isa, "folder", placeholder="isa, beside the file")


def draw_choice(layout, isa, choice: str, names: Sequence[str]) -> None:
    """Some values of a setting, beside its name as other settings are beside theirs: split as a panel splits
    properties, which for single values puts the first one's name in place of the setting's."""
    split = layout.split(factor=0.4, align=True)
    title = split.row()
    title.alignment = "RIGHT"
    title.label(text=isa.bl_rna.properties[choice].name)
    row = split.row(align=True)
    row.use_property_split = False
    for name in names:
        row.prop_enum(isa, choice, name)


class ISA_PT_plate(_Panel, bpy.types.Panel):
    bl_label = "Plate"
    bl_order = 7
    bl_options = {"DEFAULT_CLOSED"}

    def draw_header(self, context) -> None:
        # Shown on a closed panel too.
        if plate.troubles(context.scene):
            self.layout.label(icon="ERROR")

    def draw(self, context) -> None:
        scene = context.scene
        if (size := plate.size(scene)) is not None:
            stretched = "{width}×{height} pixels, stretched over {frame_width}×{frame_height}"
            frame = dict(zip(("frame_width", "frame_height"), render_size(scene), strict=True))
            self.layout.label(text=words(stretched, width=size[0], height=size[1], **frame), translate=False)
        collection = plate.camera_plane.plate_collection(scene)
        planes = collection.objects if collection else ()
        column = self.layout.column(align=True)
        if planes:
            column.label(text="Distance from the Camera", icon="VIEW_CAMERA")
        for plane in planes:
            name = plane.parent.name if plane.parent else plane.name
            column.prop(plane, f'["{DEPTH}"]', text=name, translate=False)
        for trouble in plate.troubles(scene):
            sentence(context, self.layout, trouble, "ERROR")
        if not plate.fits_view(scene):
            sentence(
                context, self.layout, "The view transform is another since the plate was imported.", "INFO"
            )
            self.layout.operator("isa.fit_plate")
        self.layout.operator("isa.import_results", text="Import Plate", icon="IMPORT")


def shot_lines(scene) -> list[str]:
    """What will be generated: frames, camera, sizes."""
    frames = {"first": scene.frame_start, "last": scene.frame_end, "step": scene.frame_step}
    if scene.frame_step > 1:
        numbers = words("Frames {first}–{last}, every {step} (scene)", **frames)
    else:
        numbers = words("Frames {first}–{last} (scene)", **frames)
    marked = [marker for marker in scene.timeline_markers if marker.camera is not None]
    if marked:
        names = ", ".join(f"“{marker.name}”" for marker in marked)
        cameras = words("Cameras: markers {names}", names=names)
        # Each begins with a frame of its own; nothing melts across a cut.
        if (parts := len(pieces(scene))) > 1:
            cameras = words("Cameras: markers {names}, {parts} pieces", names=names, parts=parts)
    elif scene.camera:
        cameras = words("Camera: {name}", name=scene.camera.name)
    else:
        cameras = words("Camera: none")
    width, height = render_size(scene)
    painted = "{}×{}".format(*canvas(scene)) if chosen(scene) else "?"
    return [numbers, cameras, f"{width}×{height} → {painted}"]


def duration(seconds: float) -> str:
    """About how long it takes, for the button."""
    if seconds < 90:
        return words(" · about {seconds} s", seconds=max(10 * round(seconds / 10), 10))
    minutes = seconds / 60
    if minutes < 90:
        return words(" · about {minutes:.0f} min", minutes=minutes)
    return words(" · about {hours:.0f} h", hours=minutes / 60)


CLASSES = (
    ISA_PT_generate,
    ISA_PT_cast,
    ISA_PT_shot,
    ISA_PT_background,
    ISA_PT_look,
    ISA_PT_plate,
)
