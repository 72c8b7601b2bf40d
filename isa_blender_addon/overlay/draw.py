"""The overlay in the 3D viewport, by Blender's gpu module."""

from typing import Any

import blf
import bpy
import gpu
from bpy_extras.view3d_utils import location_3d_to_region_2d
from gpu_extras.batch import batch_for_shader
from mathutils import Vector

from ..language.translation import words
from ..settings.models import chosen
from ..settings.shot import canvas
from .geometry import Drawing
from .watch import watch

_POINT_PIXELS, _LINE_PIXELS, _TEXT_PIXELS = 5.0, 2.0, 12
_CANVAS_COLOUR = 1.0, 0.75, 0.2, 0.9
# Points have a shader of their own since Blender 4.5; before, every shader took the point size.
_POINT_SHADER = "POINT_FLAT_COLOR" if bpy.app.version >= (4, 5) else "FLAT_COLOR"


class _Batches:
    """What lies on the GPU, made anew with each drawing."""

    def __init__(self, drawing: Drawing):
        self.drawing = drawing
        self.point_shader = gpu.shader.from_builtin(_POINT_SHADER)
        self.line_shader = gpu.shader.from_builtin("POLYLINE_UNIFORM_COLOR")
        points: Any = {"pos": drawing.points, "color": drawing.colours}
        self.points = batch_for_shader(self.point_shader, "POINTS", points)
        self.lines = batch_for_shader(self.line_shader, "LINES", {"pos": drawing.canvas})  # type: ignore[dict-item]


_batches: _Batches | None = None


def draw_in_space() -> None:
    """Points and canvas, in world coordinates."""
    global _batches
    drawing = _shown(bpy.context)
    if drawing is None:
        return
    if _batches is None or _batches.drawing is not drawing:
        _batches = _Batches(drawing)
    scale = bpy.context.preferences.system.ui_scale
    gpu.state.blend_set("ALPHA")
    gpu.state.depth_test_set("NONE")
    gpu.state.point_size_set(_POINT_PIXELS * scale)
    _batches.points.draw(_batches.point_shader)
    _batches.line_shader.bind()
    region = bpy.context.region
    _batches.line_shader.uniform_float("viewportSize", (region.width, region.height))
    _batches.line_shader.uniform_float("lineWidth", _LINE_PIXELS * scale)
    _batches.line_shader.uniform_float("color", _CANVAS_COLOUR)
    _batches.lines.draw(_batches.line_shader)
    gpu.state.point_size_set(1.0)
    gpu.state.blend_set("NONE")


def draw_in_pixels() -> None:
    """Through the camera, the canvas's size at its lower left corner."""
    context = bpy.context
    drawing = _shown(context)
    model = chosen(context.scene)
    if drawing is None or model is None or context.region_data.view_perspective != "CAMERA":
        return
    place = location_3d_to_region_2d(context.region, context.region_data, Vector(drawing.canvas[0]))
    if place is None:
        return
    scale, (width, height) = context.preferences.system.ui_scale, canvas(context.scene)
    blf.size(0, _TEXT_PIXELS * scale)
    blf.color(0, *_CANVAS_COLOUR)
    blf.position(0, place.x + 6 * scale, place.y + 6 * scale, 0)
    text = words(
        "{width}×{height}, {points} points a character", width=width, height=height, points=model.points
    )
    blf.draw(0, text)


def _shown(context) -> Drawing | None:
    scene = context.scene
    if not scene.isa.overlay or not context.space_data.overlay.show_overlays:
        return None
    return watch.drawing(scene)


_handles: list = []


def register() -> None:
    for function, stage in ((draw_in_space, "POST_VIEW"), (draw_in_pixels, "POST_PIXEL")):
        _handles.append(bpy.types.SpaceView3D.draw_handler_add(function, (), "WINDOW", stage))


def unregister() -> None:
    global _batches
    while _handles:
        bpy.types.SpaceView3D.draw_handler_remove(_handles.pop(), "WINDOW")
    _batches = None
