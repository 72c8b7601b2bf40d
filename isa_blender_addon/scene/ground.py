"""How high people stand above what is under them."""

import numpy as np
from mathutils import Vector

from .belongings import belongings
from .characters import evaluated, find_characters, shown_in
from .timeline import view_layer
from .units import size_of, unit_in_metres

# Blender prepares an object for its first ray: with more faces than these too long for between two frames.
_FACES = 200_000
# Units above the lowest point from which it is looked down, lest a sole that touches the ground is under it.
_ABOVE = 0.02


def heights(scene) -> dict[str, float]:
    """How far each of the cast is above the highest thing under its lowest point, or above the world's height
    zero where there is nothing: metres by name, on the scene's current frame. Those under whom there is what
    would take too long to look at are left out."""
    layer = view_layer(scene)
    own = set(belongings(scene))
    things = [item for item in shown_in(layer) if item.type == "MESH" and item not in own]
    # What is off in viewports has no geometry to ask.
    things = [item for item in things if evaluated(item, scene)]
    cast = [character for character in find_characters(scene) if character.included]
    bodies = {character.name: _places(character.mesh.evaluated_get(layer.depsgraph)) for character in cast}
    # Who has no surface, such as somebody of a missing library, is named where surfaces are read.
    bodies = {name: places for name, places in bodies.items() if len(places)}
    metre = unit_in_metres(scene, map(size_of, bodies.values()))
    found = {}
    for name, places in bodies.items():
        lowest = Vector(places[places[:, 2].argmin()].tolist())
        ground = _ground_under(lowest, things, layer.depsgraph)
        if ground is not None:
            found[name] = metre * float(lowest.z - ground)
    return found


def _places(body) -> np.ndarray:
    """The evaluated body's vertices in the world, ``(V, 3)``."""
    mesh = body.to_mesh()
    vertices = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", vertices)
    body.to_mesh_clear()
    world = np.array(body.matrix_world)
    return vertices.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3]


def _ground_under(place: Vector, things: list, depsgraph) -> float | None:
    """The world's height of what a place stands over; None where it cannot be told in time."""
    above, highest = place + Vector((0, 0, _ABOVE)), None
    for item in things:
        thing = item.evaluated_get(depsgraph)
        corners = np.array([thing.matrix_world @ Vector(corner) for corner in thing.bound_box])
        low, high = corners.min(0), corners.max(0)
        here = np.array(place.xy)
        if (here < low[:2]).any() or (here > high[:2]).any() or low[2] > above.z:
            continue
        if len(item.data.polygons) > _FACES:
            return None
        inverse = thing.matrix_world.inverted_safe()
        down = (inverse.to_3x3() @ Vector((0, 0, -1))).normalized()
        hit, where, _, _ = thing.ray_cast(inverse @ above, down)
        if hit:
            height = (thing.matrix_world @ where).z
            highest = height if highest is None else max(highest, height)
    return 0.0 if highest is None else highest
