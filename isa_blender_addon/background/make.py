"""A shot's background as a movie, made by a Blender of its own: the artist's Blender stays as it is.

usage: blender -b --python make.py -- RECIPE.json, or python make.py RECIPE.json with Blender's Python module

The file holds a ``Recipe`` as JSON. Lines "isa N" on stdout tell how many frames are done. It ends when its
standard input does, so it never outlives who has started it. It runs by itself: nothing of the add-on is
imported here, and what both have to know stands here.
"""

import errno
import io
import json
import os
import sys
import threading
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import bpy
import numpy as np

# What Cycles and Workbench say of a pixel that shows nothing is this far, or farther; EEVEE says that it is
# where the camera's sight ends, to within so much of that.
_NOTHING, _SIGHT_END = 1e9, 0.99

# The last chunk with its checksum.
_PNG_END = b"IEND\xaeB\x60\x82"


@dataclass(frozen=True)
class Recipe:
    """What a background is made of, and how.

    Attributes:
        out: the movie, in a folder for nothing else.
        size: of the canvas, which covers the frame exactly.
        frame_shape: what the pictures are to cover, in square units of theirs: the camera's frame by footage;
            the canvas by what is rendered for it, pixel for pixel.
        numbers: of the frames: the scene's, or the footage's, the first being 0.
        files: the footage.
        blend: a copy of the scene's file, where it is rendered.
        scene: its name.
        hidden: ``(name, library_file)`` of objects that are not there.
        unseen: of those that are there, and that the camera does not see.
        pixel_aspect: at which the canvas has the frame's shape.
        samples: of Cycles; 0: the scene's own engine as it is set.
        use_scripts: whether the artist lets this file's scripts run.
        needs_depth: whether it fails where the renderer does not tell how far away is what a frame shows.
            Of one that does it is kept ``depth_beside`` the movie in any case; of another that has no frames.
        metre: metres of a unit of the scene.
    """

    out: str
    size: tuple[int, int]
    frame_shape: tuple[float, float]
    numbers: Sequence[int]
    files: Sequence[str]
    blend: str = ""
    scene: str = ""
    hidden: Sequence[Sequence[str]] = ()
    unseen: Sequence[Sequence[str]] = ()
    pixel_aspect: tuple[float, float] = (1.0, 1.0)
    samples: int = 0
    use_scripts: bool = False
    needs_depth: bool = False
    metre: float = 1.0


def make(recipe: Recipe) -> None:
    if recipe.blend:
        pictures = render(recipe)
        recipe = replace(recipe, files=pictures, numbers=range(len(pictures)))
    encode(recipe)


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
    depth = _Depth(scene, recipe)
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
        _check_picture(scene.render.filepath)
        pictures.append(scene.render.filepath)
        depth.take(scene.camera.data.clip_end)
        tell(index + 1)
    depth.write()
    return pictures


def library_file(item) -> str:
    """The file that an object is linked from, "" for one of this file: by name alone, two may be alike. The
    scene's copy lies in another folder, and names the file from there."""
    if item.library is None:
        return ""
    return os.path.realpath(bpy.path.abspath(item.library.filepath, library=item.library.parent))


def depth_beside(movie: Path) -> Path:
    """The file that tells how far away is what a movie's frames show."""
    return movie.with_suffix(".npy")


def _check_picture(path: str) -> None:
    """Blender says nothing where the disk is full, and shows what is left of a picture as black.

    Raises:
        OSError: the end of a PNG is not there.
    """
    if not Path(path).read_bytes().endswith(_PNG_END):
        raise _cut_short(path)


def _check_movie(path: str, frames: int) -> None:
    """The same of a movie, which would be kept for the next takes.

    Raises:
        OSError: it has not all of its frames.
    """
    try:
        found = bpy.data.movieclips.load(path).frame_duration
    except RuntimeError:
        found = 0
    if found != frames:
        raise _cut_short(path)


def _cut_short(path: str) -> OSError:
    """Blender reports no write that failed, so this says what the system would have said of a full disk."""
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)


class _Depth:
    """How far away along the camera's axis what each frame shows is: the renderer's depth pass, which the
    compositor writes beside a picture that it leaves as it is."""

    def __init__(self, scene, recipe: Recipe):
        self._folder, self._out = Path(recipe.out).parent / "depth", depth_beside(Path(recipe.out))
        self._metre, self._frames, self._told = recipe.metre, [], True
        self._needed, self._shape = recipe.needs_depth, recipe.size[::-1]
        scene.render.use_compositing = True
        layer = next(layer for layer in scene.view_layers if layer.use)
        layer.use_pass_z = True
        tree, sink = _empty_compositor(scene)
        layers, file = tree.nodes.new("CompositorNodeRLayers"), tree.nodes.new("CompositorNodeOutputFile")
        layers.scene, layers.layer = scene, layer.name
        _write_as(file.format, "IMAGE", "OPEN_EXR")
        # Uncompressed, a file that a full disk cuts short is too small for its picture.
        file.format.color_depth, file.format.exr_codec = "32", "NONE"
        self._least = 4 * recipe.size[0] * recipe.size[1]
        if hasattr(file, "base_path"):
            file.base_path = str(self._folder)
        else:  # Blender 5
            file.directory = str(self._folder)
            file.file_output_items.new("FLOAT", "depth")
        tree.links.new(layers.outputs["Image"], sink)
        tree.links.new(layers.outputs["Depth"], file.inputs[0])

    def take(self, clip_end: float) -> None:
        """Read what the frame that was just rendered has left; its camera sees no farther than to there."""
        if not self._told:
            return
        (path,) = self._folder.iterdir()
        # Blender 5.0 crashes where it reads the pixels of a part of a picture.
        if path.stat().st_size < self._least:
            raise _cut_short(str(path))
        image = bpy.data.images.load(str(path))
        if not len(image.pixels):
            raise _cut_short(str(path))
        image.colorspace_settings.name = "Non-Color"
        (width, height), numbers = image.size, np.empty(len(image.pixels), np.float32)
        image.pixels.foreach_get(numbers)
        # Blender's pictures begin below.
        depth = numbers.reshape(height, width, -1)[::-1, :, 0]
        bpy.data.images.remove(image)
        path.unlink()
        if not (depth > 0).all():
            if self._needed:
                raise RuntimeError("the renderer does not tell how far away things are; Quick does")
            self._told = False
            return
        # What half floats have no numbers for becomes infinite.
        there = depth < min(_NOTHING, _SIGHT_END * clip_end)
        with np.errstate(over="ignore"):
            metres = np.where(there, self._metre * depth, np.inf).astype(np.float16)
        self._frames.append(metres.clip(np.finfo(np.float16).smallest_normal))

    def write(self) -> None:
        """``(F, H, W)`` float16 metres; ``(1, H, W)`` where all frames are alike, ``(0, H, W)`` where the
        renderer does not tell them."""
        if not self._told:
            self._frames = [np.empty((0, *self._shape), np.float16)]
        alike = all(np.array_equal(frame, self._frames[0]) for frame in self._frames)
        # Into a file itself, numpy says nothing of a full disk.
        packed = io.BytesIO()
        np.save(packed, np.stack(self._frames[:1] if alike else self._frames))
        self._out.write_bytes(packed.getbuffer())


def _empty_compositor(scene):
    """The scene's compositor without any nodes but that of the finished picture, and where that goes."""
    if not hasattr(scene, "compositing_node_group"):
        scene.use_nodes = True
        scene.node_tree.nodes.clear()
        return scene.node_tree, scene.node_tree.nodes.new("CompositorNodeComposite").inputs["Image"]
    # Blender 5
    tree = scene.compositing_node_group = bpy.data.node_groups.new("Depth", "CompositorNodeTree")
    tree.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    return tree, tree.nodes.new("NodeGroupOutput").inputs["Image"]


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
        except TypeError:  # a Blender that was built without it
            scene.cycles.use_denoising = False
    _write_as(render.image_settings, "IMAGE", "PNG")
    render.image_settings.color_mode, render.image_settings.color_depth = "RGB", "8"


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
    _write_as(render.image_settings, "VIDEO", "FFMPEG")
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
    _check_movie(recipe.out, len(numbers))


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


def _write_as(settings, media: str, file_format: str) -> None:
    if hasattr(settings, "media_type"):  # Blender 5
        settings.media_type = media
    settings.file_format = file_format


def tell(done: int) -> None:
    print(f"isa {done}", flush=True)


def _end_with_starter() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_starter, daemon=True).start()
    status = 0
    try:
        make(Recipe(**json.loads(Path(sys.argv[-1]).read_text(encoding="utf-8"))))
    except Exception:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    # Blender's module may crash at interpreter exit.
    os._exit(status)
