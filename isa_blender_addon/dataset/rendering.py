"""Cycles: one staging on one stage into pictures, backgrounds and masks."""

import errno
import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix

from ..scene.picture_bytes import whole_png
from . import materials
from .person import Person
from .staging import Staging

SENSOR = 36.0
# What an exposed picture's mean luminance should be, linear, before Blender's film curve.
_GREY = 0.22


def prepare(scene, size: tuple[int, int], samples: int, fps: float, seed: int) -> None:
    """Set up rendering: Cycles on the CPU, the same seed in every frame's noise pattern.

    Args:
        size: width and height.
    """
    render, cycles, output = scene.render, scene.cycles, scene.render.image_settings
    render.engine = "CYCLES"
    cycles.device, cycles.samples, cycles.seed = "CPU", samples, seed % 2**31
    cycles.use_adaptive_sampling = False
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 4, 3, 2
    try:
        cycles.denoiser = "OPENIMAGEDENOISE"
        cycles.use_denoising = True
    except TypeError:  # a Blender that was built without it
        cycles.use_denoising = False
    render.resolution_x, render.resolution_y = size
    render.resolution_percentage = 100
    render.fps, render.fps_base = round(fps), round(fps) / fps
    render.use_persistent_data = True
    render.use_compositing = render.use_sequencer = False
    if hasattr(output, "media_type"):  # Blender 5
        output.media_type = "IMAGE"
    output.file_format, output.color_mode, output.color_depth, output.compression = "PNG", "RGB", "8", 60
    scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(scene.camera)
    scene.camera.rotation_mode = "QUATERNION"
    scene.camera.data.sensor_fit, scene.camera.data.sensor_width = "HORIZONTAL", SENSOR


def aim(scene, staging: Staging, frame: int) -> None:
    """Go to a frame of a staging, the first being 0, and place the camera."""
    scene.frame_set(frame)
    camera = scene.camera
    camera.matrix_world = Matrix(staging.camera_to_world[frame].tolist())
    # Horizontal focal length in NDC units: the sensor's half width is 1.
    camera.data.lens = float(staging.intrinsics[frame, 0]) * SENSOR / 2


def expose(scene, staging: Staging) -> None:
    """Set the exposure so that the first frame is neither dark nor burnt."""
    view = scene.view_settings
    view.view_transform, view.look, view.exposure = "AgX", "AgX - Medium High Contrast", 0.0
    output, size = scene.render.image_settings, scene.render.resolution_percentage
    with tempfile.TemporaryDirectory() as folder:
        output.file_format, scene.render.resolution_percentage = "OPEN_EXR", 25
        path = picture(scene, staging, 0, Path(folder) / "exposure.exr")
        output.file_format, output.color_depth, scene.render.resolution_percentage = "PNG", "8", size
        image = bpy.data.images.load(str(path))
        pixels = np.empty(len(image.pixels), np.float32)  # type: ignore[arg-type]
        image.pixels.foreach_get(pixels)
        bpy.data.images.remove(image)
        if not len(pixels):
            raise _no_space(path)
    luminance = pixels.reshape(-1, 4)[:, :3] @ [0.2126, 0.7152, 0.0722]
    # The mean of logarithms, so that a lamp in the picture does not darken everything else.
    view.exposure = float(np.clip(np.log2(_GREY) - np.log2(luminance.clip(1e-3)).mean(), -6, 8))


def picture(scene, staging: Staging, frame: int, path: Path) -> Path:
    """Render a frame into a file of the scene's format.

    Raises:
        OSError: there was no space for all of it, of which Blender says nothing.
    """
    aim(scene, staging, frame)
    scene.render.filepath = str(path)
    with _silence():
        bpy.ops.render.render(write_still=True)
    if not path.exists() or (path.suffix == ".png" and not whole_png(path.read_bytes())):
        raise _no_space(path)
    return path


def _no_space(path: Path) -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


@contextmanager
def _silence():
    """Without the lines that Blender itself prints for each frame, among which progress would drown."""
    sys.stdout.flush()
    stdout = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)
        os.close(nowhere)


@contextmanager
def without(people: list[Person]):
    """The set alone."""
    items = [item for person in people for item in person.objects]
    for item in items:
        item.hide_render = True
    try:
        yield
    finally:
        for item in items:
            item.hide_render = False


@contextmanager
def as_mask(scene):
    """Every object in its number as a flat grey, the set black: one exact sample a pixel, no film curve."""
    shader = materials.Shader("mask")
    number = shader.node("ObjectInfo", "Object Index")
    emission = shader.nodes.new("ShaderNodeEmission")
    shader.set(emission.inputs["Color"], shader.math("DIVIDE", number, 255.0))
    shader.links.new(emission.outputs[0], shader.nodes["Material Output"].inputs["Surface"])
    black = bpy.data.worlds.new("black")
    black.color = (0, 0, 0)
    if black.node_tree is not None:
        # Blender 5 gives a new world nodes, which are grey.
        black.node_tree.nodes.clear()
    wanted = [
        (scene.view_layers[0], "material_override", shader.material),
        (scene, "world", black),
        (scene.cycles, "samples", 1),
        (scene.cycles, "use_denoising", False),
        (scene.cycles, "pixel_filter_type", "BOX"),
        (scene.cycles, "filter_width", 0.01),
        (scene.view_settings, "look", "None"),
        (scene.view_settings, "view_transform", "Raw"),
        (scene.view_settings, "exposure", 0.0),
        (scene.render, "dither_intensity", 0.0),
        (scene.render.image_settings, "color_mode", "BW"),
    ]
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in wanted]
    for owner, name, value in wanted:
        setattr(owner, name, value)
    try:
        yield
    finally:
        # A look belongs to its film curve, so that comes back first.
        for owner, name, value in reversed(before):
            setattr(owner, name, value)
