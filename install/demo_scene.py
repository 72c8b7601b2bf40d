"""Blender's part of the demo.

usage: demo_scene.py stage STAGED.blend             build the demo scene and save it
       demo_scene.py render DEMO.blend FOLDER       render the cast and the scene at a few moments
"""

import os
import sys
from pathlib import Path

import bpy

MOMENTS = 4
SIZE = (640, 360)


def stage(blend: str) -> None:
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    enable()
    # Saved first: the demo keeps its reference picture beside its file.
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    bpy.ops.isa.add_demo_scene()
    bpy.ops.wm.save_as_mainfile(filepath=blend, compress=True)


def render(blend: str, folder: str) -> None:
    bpy.ops.wm.open_mainfile(filepath=blend)
    scene = bpy.context.scene
    for layer in bpy.context.view_layer.layer_collection.children:
        layer.exclude = layer.exclude or layer.name.startswith("ISA Plate")
    scene.render.engine, scene.cycles.samples, scene.cycles.device = "CYCLES", 8, "CPU"
    # The sheet shows a quarter of the pixels: what noise is left there is not seen, and denoising would take
    # three times as long as all else.
    scene.cycles.use_denoising = False
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = *SIZE, 100
    scene.render.image_settings.file_format, scene.render.image_settings.color_mode = "PNG", "RGBA"
    length = scene.frame_end - scene.frame_start
    for moment in sorted({round(length * k / (MOMENTS - 1)) for k in range(MOMENTS)}):
        scene.frame_set(scene.frame_start + moment)
        for kind in ("scene", "cast"):
            scene.render.film_transparent = kind == "cast"
            for item in scene.objects:
                if item.type == "MESH" and item.find_armature() is None:
                    item.hide_render = kind == "cast"
            scene.render.filepath = str(Path(folder) / f"{moment:04}-{kind}.png")
            bpy.ops.render.render(write_still=True)


def enable() -> None:
    """Register the add-on where it is not installed as an extension: beside Blender's Python module."""
    if not hasattr(bpy.types.Scene, "isa"):
        import isa_blender_addon

        isa_blender_addon.register()


if __name__ == "__main__":
    command, *arguments = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    {"stage": stage, "render": render}[command](*arguments)
    sys.stdout.flush()
    # Blender's module crashes at interpreter exit while the add-on is registered.
    os._exit(0)
