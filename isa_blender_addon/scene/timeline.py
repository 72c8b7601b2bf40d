"""When and how large: the scene's frames, frame rate and render size."""

from fractions import Fraction

import bpy
import numpy as np

from isa_engine.errors import SceneError


def frame_numbers(scene) -> np.ndarray:
    """Scene frames from start to end by the scene's step: ``(F,)`` int32.

    Raises:
        SceneError: the range is empty.
    """
    numbers = np.arange(scene.frame_start, scene.frame_end + 1, scene.frame_step, dtype=np.int32)
    if len(numbers) == 0:
        raise SceneError(
            "the frame range {first}–{last} of scene '{scene}' is empty",
            remedy="Set the end after the start.",
            first=scene.frame_start,
            last=scene.frame_end,
            scene=scene.name,
        )
    return numbers


def fps(scene) -> Fraction:
    """Frames a second, exact: 24 over a base of 1.001 is 24000/1001."""
    # Blender keeps the base as a float32; its shortest decimal is what the artist typed, such as 1.001.
    return Fraction(scene.render.fps) / Fraction(str(np.float32(scene.render.fps_base)))


def render_size(scene) -> tuple[int, int]:
    """Width and height of the rendered picture in pixels, percentage applied."""
    render = scene.render
    width = render.resolution_x * render.resolution_percentage // 100
    height = render.resolution_y * render.resolution_percentage // 100
    return max(width, 1), max(height, 1)


def frame_shape(scene) -> tuple[float, float]:
    """Width and height of the camera's frame in square units: what ``shot.canvas`` is given."""
    width, height = render_size(scene)
    return width * scene.render.pixel_aspect_x, height * scene.render.pixel_aspect_y


def view_layer(scene):
    """The view layer that is evaluated: the window's if it shows this scene, else the first that renders."""
    if bpy.context.scene == scene:
        return bpy.context.view_layer
    return next((layer for layer in scene.view_layers if layer.use), scene.view_layers[0])
