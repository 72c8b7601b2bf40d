"""The overlay in the 3D viewport, by Blender's gpu module."""

from typing import Any

import blf
import bpy
import gpu
import numpy as np
from bpy_extras.view3d_utils import location_3d_to_region_2d
from gpu_extras.batch import batch_for_shader
from mathutils import Vector

from ..language.translation import words
from ..scene.camera import camera_at
from ..settings.models import chosen
from ..settings.shot import canvas
from .geometry import Drawing
from .watch import watch

_POINT_PIXELS, _LINE_PIXELS, _TEXT_PIXELS = 5.0, 2.0, 12
_CANVAS_COLOUR = 1.0, 0.75, 0.2, 0.9
# Points have a shader of their own since Blender 4.5; before, every shader took the point size.
_POINT_SHADER = "POINT_FLAT_COLOR" if bpy.app.version >= (4, 5) else "FLAT_COLOR"
# Before Blender 5 the shader of pictures takes their numbers for linear, and shows others too bright (seen in
# 4.3.2, and not in 5.2.2). Of such a texture the GPU makes linear numbers as it reads it.
_PICTURE_FORMAT = "RGBA8" if bpy.app.version >= (5, 0) else "SRGB8_A8"


class _Batches:
    """What lies on the GPU, made anew with each drawing."""

    def __init__(self, drawing: Drawing):
        self.drawing = drawing
        self._point_shader = gpu.shader.from_builtin(_POINT_SHADER)
        self._line_shader = gpu.shader.from_builtin("POLYLINE_UNIFORM_COLOR")
        self._picture_shader = gpu.shader.from_builtin("IMAGE")
        points: Any = {"pos": drawing.points, "color": drawing.colours}
        lines: Any = {"pos": drawing.canvas}
        self._points = batch_for_shader(self._point_shader, "POINTS", points) if len(drawing.points) else None
        self._lines = batch_for_shader(self._line_shader, "LINES", lines)
        self._texture = None
        if drawing.controls is not None:
            self._texture = _texture(drawing.controls)
            # Lower left, lower right, upper left, upper right; a picture's first row is its uppermost.
            places = [(0, 1), (1, 1), (0, 0), (1, 0)]
            corners: Any = {"pos": drawing.canvas[[0, 2, 6, 4]], "texCoord": places}
            self._picture = batch_for_shader(self._picture_shader, "TRI_STRIP", corners)

    def draw_points(self, scale: float) -> None:
        if self._points is not None:
            gpu.state.point_size_set(_POINT_PIXELS * scale)
            self._points.draw(self._point_shader)
            gpu.state.point_size_set(1.0)

    def draw_canvas(self, scale: float, region) -> None:
        self._line_shader.bind()
        self._line_shader.uniform_float("viewportSize", (region.width, region.height))
        self._line_shader.uniform_float("lineWidth", _LINE_PIXELS * scale)
        self._line_shader.uniform_float("color", _CANVAS_COLOUR)
        self._lines.draw(self._line_shader)

    def draw_controls(self) -> None:
        if self._texture is not None:
            self._picture_shader.bind()
            self._picture_shader.uniform_sampler("image", self._texture)
            self._picture.draw(self._picture_shader)


def _texture(picture: np.ndarray):
    """A picture ``(height, width, 4)`` uint8 on the GPU."""
    height, width = picture.shape[:2]
    numbers: Any = (picture.astype(np.float32) / 255).ravel()
    data = gpu.types.Buffer("FLOAT", len(numbers), numbers)
    return gpu.types.GPUTexture((width, height), format=_PICTURE_FORMAT, data=data)


_batches: _Batches | None = None


def draw_in_space() -> None:
    """Points and canvas, in world coordinates; controls on the canvas for who looks through its camera."""
    global _batches
    context = bpy.context
    drawing = _shown(context)
    if drawing is None:
        return
    if _batches is None or _batches.drawing is not drawing:
        _batches = _Batches(drawing)
    scale = context.preferences.system.ui_scale
    gpu.state.blend_set("ALPHA")
    gpu.state.depth_test_set("NONE")
    _batches.draw_points(scale)
    if _through_its_camera(context):
        _batches.draw_controls()
    _batches.draw_canvas(scale, context.region)
    gpu.state.blend_set("NONE")


def draw_in_pixels() -> None:
    """Through the camera, the canvas's size at its lower left corner."""
    context = bpy.context
    drawing = _shown(context)
    if drawing is None or not _through_its_camera(context):
        return
    model = chosen(context.scene)
    if model is None:
        return
    place = location_3d_to_region_2d(context.region, context.region_data, Vector(drawing.canvas[0]))
    if place is None:
        return
    scale, (width, height) = context.preferences.system.ui_scale, canvas(context.scene)
    blf.size(0, _TEXT_PIXELS * scale)
    blf.color(0, *_CANVAS_COLOUR)
    blf.position(0, place.x + 6 * scale, place.y + 6 * scale, 0)
    size = {"width": width, "height": height}
    if model.points:
        text = words("{width}×{height}, {points} points a character", **size, points=model.points)
    else:
        text = words("{width}×{height}", **size)
    blf.draw(0, text)


def _shown(context) -> Drawing | None:
    scene = context.scene
    if not scene.isa.overlay or not context.space_data.overlay.show_overlays:
        return None
    said = watch.problem(scene)
    drawing = watch.drawing(scene)
    if watch.problem(scene) != said:
        # The sidebar says it, and may have been drawn before.
        context.area.tag_redraw()
    return drawing


def _through_its_camera(context) -> bool:
    """Whether the view is through the camera of the shot; a viewport may have another one of its own."""
    scene = context.scene
    through = context.region_data.view_perspective == "CAMERA"
    return through and context.space_data.camera == camera_at(scene, scene.frame_current)


_handles: list = []


def register() -> None:
    for function, stage in ((draw_in_space, "POST_VIEW"), (draw_in_pixels, "POST_PIXEL")):
        _handles.append(bpy.types.SpaceView3D.draw_handler_add(function, (), "WINDOW", stage))


def unregister() -> None:
    global _batches
    while _handles:
        bpy.types.SpaceView3D.draw_handler_remove(_handles.pop(), "WINDOW")
    _batches = None
