"""How far away the set is that the background will show, from its geometry as it stands now."""

from collections.abc import Iterator

import numpy as np

from isa_engine.controls.surfaces import Surface, see

from ..background.source import hidden_objects
from ..scene.characters import rendered, shown_in
from ..scene.timeline import view_layer
from .geometry import View

# What has faces, itself or as a copy.
_SOLID = {"MESH", "CURVE", "SURFACE", "FONT", "META"}
# Triangles of a set that can be drawn between two frames; of more than that the artist would wait.
_AT_MOST = 250_000
# Pixels of the drawn depth: a wall that fills the frame is looked at in each of them.
_PIXELS = 2**17


class TooFine(Exception):
    """The set has more faces than can be drawn between two frames."""


def set_depth(scene, view: View, metre: float, size: tuple[int, int]) -> np.ndarray:
    """Metres along the camera's axis to what a rendered background shows at each pixel's centre, ``(h, w)``
    float16 as of ``Shot.background_depth``; infinite where that is nothing.

    Solid things only: hair and smoke are not looked at, and things that are off in viewports cannot be.

    Args:
        view: in metres.
        metre: metres of a unit of the scene.
        size: width and height of the canvas; the result has an integer fraction of that, where it is large.

    Raises:
        TooFine: it would take too long.
    """
    gone = {item for items in hidden_objects(scene) for item in items}
    layer = view_layer(scene)
    shown = {item for item in shown_in(layer) if item not in gone and rendered(item)}
    points, triangles, count = [np.zeros((0, 3))], [np.zeros((0, 3), np.int64)], 0
    for places, corners in _meshes(layer.depsgraph, shown):
        points.append(metre * places)
        triangles.append(corners + count)
        count += len(places)
        if sum(map(len, triangles)) > _AT_MOST:
            raise TooFine
    joined = np.concatenate(triangles)
    surface = Surface(np.concatenate(points), joined, np.zeros(len(joined), np.int64))
    fraction = int(np.ceil(np.sqrt(size[0] * size[1] / _PIXELS)))
    width, height = (max(side // fraction, 1) for side in size)
    with np.errstate(over="ignore"):
        depth = see(surface, view.mvp, (width, height)).depth.astype(np.float16)
    return depth.clip(np.finfo(np.float16).smallest_normal)


def _meshes(depsgraph, shown: set) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Vertices ``(V, 3)`` in the world and triangles ``(T, 3)`` of what objects show, copies too."""
    known: dict[tuple, tuple[np.ndarray, np.ndarray]] = {}
    for each in depsgraph.object_instances:
        item = each.object
        # Who is copied may be shown by its copies alone; it is the copier that stands in the scene.
        owner = each.parent.original if each.is_instance else item.original
        if owner not in shown or item.type not in _SOLID or (each.is_instance and item.original.hide_render):
            continue
        key = item.original.name_full, each.is_instance and item.data.as_pointer()
        if key not in known:
            known[key] = _mesh(item)
        vertices, triangles = known[key]
        world = np.array(each.matrix_world, np.float64)
        yield vertices @ world[:3, :3].T + world[:3, 3], triangles


def _mesh(item) -> tuple[np.ndarray, np.ndarray]:
    """Vertices of an evaluated object, in its own axes, and triangles."""
    # Not its data, which is not yet subdivided where the GPU does that for drawing.
    mesh = item.to_mesh()
    if mesh is None:
        return np.zeros((0, 3)), np.zeros((0, 3), np.int64)
    mesh.calc_loop_triangles()
    vertices = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", vertices)
    triangles = np.empty(3 * len(mesh.loop_triangles), np.int32)
    mesh.loop_triangles.foreach_get("vertices", triangles)
    item.to_mesh_clear()
    return vertices.reshape(-1, 3).astype(np.float64), triangles.reshape(-1, 3).astype(np.int64)
