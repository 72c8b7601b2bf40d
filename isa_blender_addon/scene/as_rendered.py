"""Letting Blender evaluate bodies as its renderer does, while they are read.

Artists switch heavy bodies and modifiers off in viewports and leave them on in renders. Blender evaluates
nothing that is off in viewports, so it is switched on for the time of reading, and put back.
"""

from collections.abc import Iterable
from contextlib import contextmanager

from .keep import moving
from .timeline import view_layer

# Modifiers that take parts of a body away, or number its vertices anew in every pose: off while it is read,
# so that points stay on the skin of the whole body.
_REMOVING = {"BOOLEAN", "DECIMATE", "MASK", "REMESH", "WELD"}
# Faces up to which a body is subdivided as in renders: finer ones hardly move the skin, and take time.
_FINE = 100_000


@contextmanager
def as_rendered(scene, meshes: Iterable):
    """Mesh objects and their modifiers are on in the viewport where they are on in renders.

    The scene's view layer is updated inside; afterwards it is as it was at the next update.
    """
    before: list[tuple] = []

    def put(owner, name: str, value: bool | int) -> None:
        if getattr(owner, name) != value:
            before.append((owner, name, getattr(owner, name)))
            setattr(owner, name, value)

    try:
        for mesh in meshes:
            for curve in _of_the_viewport(mesh):
                put(curve, "mute", True)
            put(mesh, "hide_viewport", False)
            for collection in _collections_of(scene, mesh):
                put(collection, "hide_viewport", False)
            for modifier in mesh.modifiers:
                put(modifier, "show_viewport", modifier.show_render and modifier.type not in _REMOVING)
                if modifier.type in ("SUBSURF", "MULTIRES"):
                    put(modifier, "levels", _levels(mesh, modifier))
        if before:
            view_layer(scene).update()
        yield
    finally:
        for owner, name, value in before:
            try:
                setattr(owner, name, value)
            except ReferenceError:
                # The artist removed it while it was read.
                continue


def _levels(mesh, modifier) -> int:
    """How often a body is subdivided while it is read."""
    level = modifier.render_levels
    while level > modifier.levels and len(mesh.data.polygons) * 4**level > _FINE:
        level -= 1
    return level


def _of_the_viewport(mesh) -> list:
    """Curves and drivers that would switch a mesh or its modifiers off in the viewport again."""
    return [curve for curve in moving(mesh) if curve.data_path.endswith(("hide_viewport", "show_viewport"))]


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
