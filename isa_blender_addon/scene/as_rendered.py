"""Letting Blender evaluate bodies as its renderer does, while they are read.

Artists switch heavy bodies and modifiers off in viewports and leave them on in renders. Blender evaluates
nothing that is off in viewports, so it is switched on for the time of reading, and put back.
"""

from collections.abc import Iterable
from contextlib import contextmanager

import bpy

from .animation import moving
from .dependencies import what_moves_what, with_what_moves_them
from .timeline import view_layer

# Modifiers that take parts of a body away, or number its vertices anew in every pose: off while it is read,
# so that points stay on the skin of the whole body.
_REMOVING = {"BOOLEAN", "DECIMATE", "MASK", "REMESH", "WELD"}
_OF_THE_VIEWPORT = ("hide_viewport", "show_viewport", ".levels")
# Faces up to which a mesh is subdivided as in renders: finer ones hardly move the skin, and take time.
_FINE = 100_000


@contextmanager
def as_rendered(scene, bodies: Iterable):
    """Bodies are on in the viewport where they are on in renders; they, the cameras and all that moves these
    have their modifiers, their subdivision and their geometry nodes as in renders.

    The scene's view layer is updated inside; afterwards it is as it was at the next update. Gives a
    function to be called on each frame, for modifiers that are switched on and off in renders with time.

    Args:
        bodies: mesh objects.
    """
    before: list[tuple] = []
    switched: list[tuple] = []

    def put(owner, name: str, value: bool | int) -> None:
        if getattr(owner, name) != value:
            before.append((owner, name, getattr(owner, name)))
            setattr(owner, name, value)

    def follow() -> None:
        known = len(before)
        for modifier, removes in switched:
            put(modifier, "show_viewport", modifier.show_render and not removes)
        if len(before) > known:
            view_layer(scene).update()

    try:
        bodies = list(bodies)
        for mesh in bodies:
            put(mesh, "hide_viewport", False)
            for collection in _collections_of(scene, mesh):
                put(collection, "hide_viewport", False)
        for thing in with_what_moves_them([*bodies, *_cameras(scene)], what_moves_what()):
            if isinstance(thing, bpy.types.NodeTree):
                for node in thing.nodes:
                    if node.bl_idname == "GeometryNodeIsViewport":
                        # Muted, it says no.
                        put(node, "mute", True)
                continue
            if thing.type == "LATTICE":
                # The renderer, too, goes by what is on in the viewport.
                continue
            if thing.type == "CURVE" and thing.data.render_resolution_u:
                for spline in thing.data.splines:
                    put(spline, "resolution_u", thing.data.render_resolution_u)
            for curve in _of_the_viewport(thing):
                put(curve, "mute", True)
            for modifier in thing.modifiers:
                removes = thing in bodies and modifier.type in _REMOVING
                put(modifier, "show_viewport", modifier.show_render and not removes)
                if _is_moved(thing, f'modifiers["{modifier.name}"].show_render'):
                    switched.append((modifier, removes))
                if modifier.type in ("SUBSURF", "MULTIRES"):
                    level = _level(scene, thing, modifier)
                    put(modifier, "levels", level)
                    # No less for others: the viewport would draw all of the scene anew.
                    put(scene.render, "simplify_subdivision", max(level, scene.render.simplify_subdivision))
        if before:
            view_layer(scene).update()
        yield follow
    finally:
        # The latest first: what was put twice is at last what it was at first.
        for owner, name, value in reversed(before):
            try:
                setattr(owner, name, value)
            except ReferenceError:
                # The artist removed it while it was read.
                continue


def _cameras(scene) -> list:
    marked = [marker.camera for marker in scene.timeline_markers if marker.camera is not None]
    return marked if scene.camera is None else [*marked, scene.camera]


def _level(scene, item, modifier) -> int:
    """How often a mesh is subdivided while bodies are read."""
    level, render = modifier.render_levels, scene.render
    if render.use_simplify:
        level = min(level, render.simplify_subdivision_render)
    while level > modifier.levels and len(item.data.polygons) * 4**level > _FINE:
        level -= 1
    return level


def _of_the_viewport(item) -> list:
    """Curves and drivers that would make an object or its modifiers as in the viewport again."""
    return [curve for curve in moving(item) if curve.data_path.endswith(_OF_THE_VIEWPORT)]


def _is_moved(item, path: str) -> bool:
    return any(curve.data_path == path for curve in moving(item))


def _collections_of(scene, item) -> list:
    """The collections in which the render shows an object, from the scene's own down."""
    found: list = []

    def visit(layer, above: tuple) -> None:
        collection = layer.collection
        if layer.exclude or collection.hide_render:
            return
        if item.name in collection.objects and collection.objects[item.name] == item:
            found.extend((*above, collection))
        for child in layer.children:
            visit(child, (*above, collection))

    visit(view_layer(scene).layer_collection, ())
    return list(dict.fromkeys(found))
