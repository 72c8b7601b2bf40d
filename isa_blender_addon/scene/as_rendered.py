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
    switches = _Switches(scene)
    try:
        bodies = list(bodies)
        for mesh in bodies:
            switches.show(mesh)
        for thing in with_what_moves_them([*bodies, *_cameras(scene)], what_moves_what()):
            if isinstance(thing, bpy.types.NodeTree):
                switches.nodes_as_rendered(thing)
            elif thing.type != "LATTICE":
                # A lattice's modifiers the renderer, too, has as they are in the viewport.
                switches.object_as_rendered(thing, whole=thing in bodies)
        if switches.before:
            view_layer(scene).update()
        yield switches.follow
    finally:
        switches.put_back()


class _Switches:
    """What of a scene is other than the artist has it.

    Attributes:
        before: ``(owner, name of a property, value)`` of all that was changed, in this order.
    """

    def __init__(self, scene):
        self.scene = scene
        self.before: list[tuple] = []
        # Modifiers that renders switch on and off, and whether they are off all the same.
        self._switched: list[tuple] = []

    def put(self, owner, name: str, value: bool | int) -> None:
        if getattr(owner, name) != value:
            self.before.append((owner, name, getattr(owner, name)))
            setattr(owner, name, value)

    def put_back(self) -> None:
        # The latest first: what was put twice is at last what it was at first.
        for owner, name, value in reversed(self.before):
            try:
                setattr(owner, name, value)
            except ReferenceError:
                # The artist removed it while it was read.
                continue

    def follow(self) -> None:
        """Have modifiers as the frame's render has them."""
        known = len(self.before)
        for modifier, removes in self._switched:
            self.put(modifier, "show_viewport", modifier.show_render and not removes)
        if len(self.before) > known:
            view_layer(self.scene).update()

    def show(self, mesh) -> None:
        self.put(mesh, "hide_viewport", False)
        for collection in _collections_of(self.scene, mesh):
            self.put(collection, "hide_viewport", False)

    def nodes_as_rendered(self, tree) -> None:
        for node in tree.nodes:
            if node.bl_idname == "GeometryNodeIsViewport":
                # Muted, it says no.
                self.put(node, "mute", True)

    def object_as_rendered(self, item, whole: bool) -> None:
        """
        Args:
            whole: nothing takes parts of it away.
        """
        if item.type == "CURVE" and item.data.render_resolution_u:
            for spline in item.data.splines:
                self.put(spline, "resolution_u", item.data.render_resolution_u)
        for curve in _of_the_viewport(item):
            self.put(curve, "mute", True)
        for modifier in item.modifiers:
            removes = whole and modifier.type in _REMOVING
            self.put(modifier, "show_viewport", modifier.show_render and not removes)
            if _is_moved(item, f'modifiers["{modifier.name}"].show_render'):
                self._switched.append((modifier, removes))
            if modifier.type in ("SUBSURF", "MULTIRES"):
                self._subdivide(item, modifier)

    def _subdivide(self, item, modifier) -> None:
        level, render = _level(self.scene, item, modifier), self.scene.render
        self.put(modifier, "levels", level)
        # No less for others: the viewport would draw all of the scene anew.
        self.put(render, "simplify_subdivision", max(level, render.simplify_subdivision))


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
