"""What the next take shows: frames, cameras, sizes; and what of it is drawn over the viewport."""

import bpy

from isa_engine.controls import CONTROLS
from isa_engine.models import steered_by

from ..language.translation import words
from ..overlay.watch import watch
from ..scene.camera import pieces
from ..scene.timeline import render_size
from ..settings.models import chosen
from ..settings.shot import canvas, plate_scale
from .sentence import sentence
from .sidebar import InSidebar


class ISA_PT_shot(InSidebar, bpy.types.Panel):
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
    return [numbers, cameras, f"{width}×{height} → {_made_of(scene)}"]


def _made_of(scene) -> str:
    """The canvas's size, and the plate's where that is another."""
    if chosen(scene) is None:
        return "?"
    (across, up), scale = canvas(scene), plate_scale(scene)
    if scale == 1:
        return f"{across}×{up}"
    sizes = {"across": across, "up": up, "width": scale * across, "height": scale * up}
    return words("{across}×{up}, plate {width}×{height}", **sizes)


CLASSES = (ISA_PT_shot,)
