"""The plate in the scene: its size, where it stands, and what is wrong with it."""

import bpy

from .. import plate
from ..language.translation import words
from ..plate.camera_plane import DEPTH
from ..scene.timeline import render_size
from .sentence import sentence
from .sidebar import InSidebar


class ISA_PT_plate(InSidebar, bpy.types.Panel):
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


CLASSES = (ISA_PT_plate,)
