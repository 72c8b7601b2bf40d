"""The frames of a background: the scene's, as its own renderer shows them without those who are generated."""

from pathlib import Path

import bpy

from .depth import DepthPass
from .file_format import write_as
from .full_disk import check_picture
from .recipe import Recipe, library_file


def render(recipe: Recipe) -> list[str]:
    """Each frame of the scene without those who are generated, but for their shadows, as a picture file; and
    how far away what it shows is, where that is wanted."""
    bpy.ops.wm.open_mainfile(filepath=recipe.blend, use_scripts=recipe.use_scripts, load_ui=False)
    scene = bpy.data.scenes[recipe.scene]
    # Shown in the window: Blender evaluates only the view layers of a scene that a window shows.
    bpy.context.window.scene = scene
    named = {(item.name, library_file(item)): item for item in scene.objects}
    hidden, unseen = ([named[tuple(one)] for one in names] for names in (recipe.hidden, recipe.unseen))
    _prepare(scene, recipe)
    depth = DepthPass(scene, recipe)
    pictures = []
    for index, frame in enumerate(recipe.numbers):
        scene.frame_set(frame)
        for item in hidden:
            # Where that is animated, the frame has just shown it again.
            item.hide_render = True
        for item in unseen:
            item.visible_camera = False
        scene.render.filepath = str(Path(recipe.out).parent / f"{index:05}.png")
        bpy.ops.render.render(write_still=True, scene=scene.name)
        check_picture(scene.render.filepath)
        pictures.append(scene.render.filepath)
        depth.take(scene.camera.data.clip_end)
        print(f"isa {index + 1}", flush=True)
    depth.write()
    return pictures


def _prepare(scene, recipe: Recipe) -> None:
    render = scene.render
    render.resolution_x, render.resolution_y = recipe.size
    render.resolution_percentage = 100
    render.pixel_aspect_x, render.pixel_aspect_y = recipe.pixel_aspect
    # The whole frame, opaque, as the scene itself looks.
    render.use_border = render.use_multiview = render.film_transparent = render.use_stamp = False
    render.use_compositing = render.use_sequencer = False
    render.use_persistent_data = True
    if recipe.samples:
        render.engine, scene.cycles.samples = "CYCLES", recipe.samples
        try:
            scene.cycles.denoiser, scene.cycles.use_denoising = "OPENIMAGEDENOISE", True
            # At its best it takes longer than the samples of a bright set, for half a decibel.
            scene.cycles.denoising_quality, scene.cycles.denoising_prefilter = "BALANCED", "FAST"
        except TypeError:  # a Blender that was built without it
            scene.cycles.use_denoising = False
    write_as(render.image_settings, "IMAGE", "PNG")
    render.image_settings.color_mode, render.image_settings.color_depth = "RGB", "8"
