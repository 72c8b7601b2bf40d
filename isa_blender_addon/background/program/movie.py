"""The movie of a background, from rendered pictures or from footage."""

from collections.abc import Sequence
from pathlib import Path

import bpy

from .file_format import write_as
from .full_disk import check_movie
from .recipe import Recipe


def encode(recipe: Recipe) -> None:
    """A movie of some frames of a movie, or of numbered pictures."""
    files, numbers = recipe.files, recipe.numbers
    # Not the factory's preferences: with them no extension is enabled, and Blender removes the wheels of all
    # from the disk, which the artist's Blender still needs.
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    scene, (width, height) = bpy.context.scene, recipe.size
    render = scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = width, height, 100
    # What the file shows is what the model gets.
    scene.view_settings.view_transform, render.dither_intensity = "Standard", 0  # type: ignore[assignment]
    write_as(render.image_settings, "VIDEO", "FFMPEG")
    render.ffmpeg.format, render.ffmpeg.codec, render.ffmpeg.audio_codec = "MPEG4", "H264", "NONE"
    render.ffmpeg.constant_rate_factor = "PERC_LOSSLESS"
    # The same background must be the same file at each run, or its shot would be another shot: no date is in
    # it, and no preset with mb-tree is used, whose decisions depend on memory that x264 never set: one movie
    # in sixty differed, by up to 25 levels.
    render.use_stamp_date, render.ffmpeg.ffmpeg_preset = False, "REALTIME"
    render.filepath = recipe.out
    strip = _strip(scene, files)
    if strip.type == "IMAGE" and len(files) == 1:
        strip.frame_final_duration = numbers[-1] + 1
    element, (across, up) = strip.elements[0], recipe.frame_shape
    # It covers that shape, and the shape is stretched over the canvas.
    cover = max(across / element.orig_width, up / element.orig_height)
    strip.transform.scale_x, strip.transform.scale_y = cover * width / across, cover * height / up
    scene.frame_start, scene.frame_end = numbers[0] + 1, numbers[-1] + 1
    scene.frame_step = numbers[1] - numbers[0] if len(numbers) > 1 else 1
    bpy.ops.render.render(animation=True)
    check_movie(recipe.out, len(numbers))


def _strip(scene, files: Sequence[str]):
    """The footage from frame 1 on."""
    editor = scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    if len(files) == 1 and Path(files[0]).suffix.lower() not in bpy.path.extensions_image:  # type: ignore[attr-defined]
        return strips.new_movie("footage", files[0], 1, 1, fit_method="ORIGINAL")
    strip = strips.new_image("footage", files[0], 1, 1, fit_method="ORIGINAL")
    for file in files[1:]:
        strip.elements.append(Path(file).name)
    return strip
