"""The overlap over the picture, in the Image Editor: marks, the ghost's figure and skin, the way between."""

import blf
import bpy
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

from isa_engine.body.fitting.keypoints import LIMBS
from isa_engine.detection.detector import Detector

from ..language.translation import words
from ..scene.characters import body_mesh, find_characters
from ..scene.picture import picture_size
from ..scene.surface import surfaces
from ..settings.cast import has_ghost
from .found import kept
from .marks import in_words
from .seen import ghost_places, match_error, picture_matrix, to_picture

_MARK, _GHOST, _BETWEEN = (1.0, 0.85, 0.2, 1.0), (0.35, 0.75, 1.0, 0.9), (1.0, 0.25, 0.2, 0.9)
_SKIN_ALPHA = 0.35
_POINT_SHADER = "POINT_UNIFORM_COLOR" if bpy.app.version >= (4, 5) else "UNIFORM_COLOR"
_MARK_PIXELS, _SKIN_PIXELS, _LINE_PIXELS, _TEXT_PIXELS = 9.0, 2.0, 2.0, 13


class _Marking:
    """What the artist is marking now, and what is made of the marks.

    Attributes:
        asked: the joint that a click would mark; None while nobody marks.
        fitted: name of the character whose ghost is being fitted; None while none is.
        sought: name of the character who is looked for in the picture; None while nobody is.
        detector: that looks.
        choosing: whether the next click says who of the picture it is.
        box: that is being drawn around somebody, in parts of the picture.
    """

    asked: int | None = None
    fitted: str | None = None
    sought: str | None = None
    detector: Detector | None = None
    choosing: bool = False
    box: np.ndarray | None = None


marking = _Marking()


def matched_member(context):
    """Whose picture the Image Editor shows: the cast's active member, if several have it; or None."""
    space = context.space_data
    if space is None or space.type != "IMAGE_EDITOR" or space.image is None:
        return None
    shown = bpy.path.abspath(space.image.filepath)
    isa = context.scene.isa
    fitting = [m for m in isa.cast if m.character and m.picture and bpy.path.abspath(m.picture) == shown]
    active = isa.cast[isa.cast_index] if 0 <= isa.cast_index < len(isa.cast) else None
    return active if active in fitting else next(iter(fitting), None)


def on_screen(region, places: np.ndarray) -> np.ndarray:
    """Places in the picture, ``(N, 2)`` in [0, 1] with y down, to pixels of an Image Editor's region."""
    shown = np.nan_to_num(places)
    moved = [region.view2d.view_to_region(x, 1 - y, clip=False) for x, y in shown.tolist()]
    return np.where(np.isnan(places), np.nan, np.array(moved, float))


def draw() -> None:
    context = bpy.context
    member = matched_member(context)
    if member is None:
        return
    scene, region, scale = context.scene, context.region, context.preferences.system.ui_scale
    marks = on_screen(region, member.marks)
    known = ~np.isnan(marks).any(1)
    gpu.state.blend_set("ALPHA")
    lines = []
    if has_ghost(scene, member):
        ghost = on_screen(region, ghost_places(scene, member))
        _points(on_screen(region, _skin(scene, member)), (*_GHOST[:3], _SKIN_ALPHA), _SKIN_PIXELS * scale)
        _lines(ghost[np.array(LIMBS)], _GHOST, scale)
        _lines(np.stack([marks, ghost], 1), _BETWEEN, scale)
        if (pixels := match_error(scene, member)) is not None:
            lines.append(
                words("{name}: {pixels:.1f} pixels off", name=member.character.name_full, pixels=pixels)
            )
    if marking.choosing:
        for box in _boxes(member):
            corners = on_screen(region, box[[[0, 1], [2, 1], [2, 3], [0, 3]]])
            _lines(np.stack([corners, np.roll(corners, -1, 0)], 1), _MARK, scale)
    _points(marks[known], _MARK, _MARK_PIXELS * scale)
    if marking.asked is not None:
        lines.append(words("Next: {joint}", joint=words(in_words(marking.asked))))
    gpu.state.blend_set("NONE")
    for line, text in enumerate(lines):
        blf.size(0, _TEXT_PIXELS * scale)
        blf.color(0, *_MARK)
        blf.position(0, 12 * scale, (12 + 20 * line) * scale, 0)
        blf.draw(0, text)


def _boxes(member) -> list[np.ndarray]:
    """Of who was found, and the one that is being drawn: left, top, right, bottom in parts of the picture."""
    found, size = kept(member), picture_size(member.picture)
    boxes = [one.box() / [*size, *size] for one in found.people] if found and size else []
    return boxes if marking.box is None else [*boxes, marking.box]


def _skin(scene, member) -> np.ndarray:
    """The ghost's surface points in the picture, ``(N, 2)``."""
    rigs = {rig.armature: rig for rig in find_characters(scene)}
    rig = rigs.get(member.character)
    if rig is None:
        return np.zeros((0, 2))
    (body,) = surfaces([type(rig)(**{**vars(rig), "mesh": body_mesh(member.ghost)})], scene)
    return to_picture(body.points().astype(float), picture_matrix(scene, member))


def _points(places: np.ndarray, colour, size: float) -> None:
    if len(places) == 0:
        return
    shader = gpu.shader.from_builtin(_POINT_SHADER)
    gpu.state.point_size_set(size)
    batch = batch_for_shader(shader, "POINTS", {"pos": _flat(places)})  # type: ignore[dict-item]
    shader.bind()
    shader.uniform_float("color", colour)
    batch.draw(shader)
    gpu.state.point_size_set(1.0)


def _lines(pairs: np.ndarray, colour, scale: float) -> None:
    """Lines between the pairs ``(N, 2, 2)`` both of whose ends are known."""
    pairs = pairs[~np.isnan(pairs).any((1, 2))]
    if len(pairs) == 0:
        return
    shader = gpu.shader.from_builtin("POLYLINE_UNIFORM_COLOR")
    batch = batch_for_shader(shader, "LINES", {"pos": _flat(pairs.reshape(-1, 2))})  # type: ignore[dict-item]
    shader.bind()
    region = bpy.context.region
    shader.uniform_float("viewportSize", (region.width, region.height))
    shader.uniform_float("lineWidth", _LINE_PIXELS * scale)
    shader.uniform_float("color", colour)
    batch.draw(shader)


def _flat(places: np.ndarray) -> np.ndarray:
    return np.concatenate([places, np.zeros((len(places), 1))], 1).astype(np.float32)


_handles: list = []


def register() -> None:
    _handles.append(bpy.types.SpaceImageEditor.draw_handler_add(draw, (), "WINDOW", "POST_PIXEL"))


def unregister() -> None:
    while _handles:
        bpy.types.SpaceImageEditor.draw_handler_remove(_handles.pop(), "WINDOW")
    if marking.detector is not None:
        marking.detector.cancel()
    marking.asked = marking.fitted = marking.sought = marking.detector = marking.box = None
    marking.choosing = False
