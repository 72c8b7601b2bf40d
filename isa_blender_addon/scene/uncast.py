"""People whom the render shows and the cast has not: nobody can read them, and the artist should know why."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import bpy
import numpy as np

from isa_engine.body import SMPLX_JOINTS

from .as_rendered import as_rendered
from .characters import (
    armature_of,
    find_characters,
    has_properties,
    people_among,
    rendered,
    rest_box,
    shown_in,
)
from .dependencies import what_moves_what, with_what_moves_them
from .timeline import view_layer

Reason = Literal["instance", "instancer", "layer", "background"]

# Joints without jaw, eyes and fingers.
_BODY_JOINTS = 22
# Share of a body's size by which its other meshes may reach beyond it: clothes lie on the skin.
_BEYOND = 0.08


@dataclass(frozen=True)
class Uncast:
    """Somebody who is rendered and not generated.

    Attributes:
        names: of the characters.
        reason: "instance": placed as a collection instance, whose pose Blender gives to nobody; "instancer":
            copied by particles, geometry nodes, or the vertices or faces of a parent; "layer": in a view
            layer alone that renders and is not the one that is read; "background": in the scene that is set
            behind this one.
        place: name of the empty, of the object that copies, of the view layer, or of the scene.
    """

    names: tuple[str, ...]
    reason: Reason
    place: str


def uncast_people(scene) -> list[Uncast]:
    """Those whom a render of the scene would show beside the cast."""
    here = view_layer(scene)
    found = list(_instances(scene, here))
    cast = set(shown_in(here))
    for layer in scene.view_layers:
        if layer != here and layer.use:
            others = [item for item in shown_in(layer) if item not in cast]
            found += _those(scene, _with_instances(others), "layer", layer.name)
    behind = scene.background_set
    while behind is not None:
        shown = shown_in(view_layer(behind))
        found += _those(behind, _with_instances(shown), "background", behind.name)
        # Blender renders what is set behind that one, too, and lets no scene be behind itself.
        behind = behind.background_set
    return found


def copied_people(scene) -> set[Uncast]:
    """Those whom Blender's dependency graph shows as copies of other objects, on the scene's current frame,
    or as a part of another mesh that geometry nodes make; also where that is off in viewports.

    It has every copy, so a look costs too much for each redraw; instances of collections, which cost little,
    are ``uncast_people``'s.
    """
    copies: dict[str, set] = {}
    layer, uses = view_layer(scene), what_moves_what()
    with as_rendered(scene, _copying(scene, layer, uses)):
        for instance in layer.depsgraph.object_instances:
            if not instance.show_self or instance.object.type != "MESH":
                continue
            item = instance.object.original
            if not instance.is_instance:
                if _holds_a_body(instance.object):
                    copies[item.name_full] = set(_meshes(with_what_moves_them([item], uses)))
            elif (by := instance.parent.original).instance_type != "COLLECTION":
                copies.setdefault(by.name_full, set()).add(item)
    # What was on for a moment has no geometry any more that others could ask for.
    layer.update()
    found = (_those(scene, list(objects), "instancer", place) for place, objects in copies.items())
    return {people for each in found for people in each}


def bare_parts(scene) -> list[tuple[str, str, list[str]]]:
    """``(character, body, others)``: meshes on a character's armature that reach beyond the one mesh which
    points lie on, such as a head of its own. Clothes and hair of SMPL-X's do too, and are no part of its
    body; what was separated from that tells so."""
    shown = [item for item in shown_in(view_layer(scene)) if item.type == "MESH"]
    found = []
    for rig in find_characters(scene):
        if not rig.included:
            continue
        low, high = rest_box(rig.mesh, rig.mesh.matrix_world)
        room = _BEYOND * np.linalg.norm(high - low)
        others = [item for item in shown if item != rig.mesh and armature_of(item) == rig.armature]
        if rig.recognised_by != "override":
            others = [item for item in others if has_properties(item)]
        boxes = {item.name: rest_box(item, item.matrix_world) for item in others}
        beyond = [n for n, (a, b) in boxes.items() if (a < low - room).any() or (b > high + room).any()]
        if beyond:
            found.append((rig.name, rig.mesh.name, sorted(beyond)))
    return found


def missing_libraries() -> list[str]:
    """Paths of the files that something is linked from, and that are not there."""
    libraries = [library for library in bpy.data.libraries if not library.packed_file]
    return [
        library.filepath
        for library in libraries
        if not Path(bpy.path.abspath(library.filepath, library=library.parent)).exists()
    ]


def _holds_a_body(evaluated) -> bool:
    """Whether nodes put the skin of somebody into another mesh: the groups of joints come along."""
    if not any(modifier.type == "NODES" for modifier in evaluated.modifiers):
        return False
    own = {group.name for group in evaluated.original.vertex_groups}
    joints = {group.name for group in evaluated.vertex_groups} - own
    return joints.issuperset(SMPLX_JOINTS[:_BODY_JOINTS])


def _copying(scene, layer, uses: dict) -> list:
    """What the render shows and may copy people by."""
    found = []
    for item in shown_in(layer):
        spreads = item.instance_type in ("VERTS", "FACES")
        makes = any(m.type in ("NODES", "PARTICLE_SYSTEM") and m.show_render for m in item.modifiers)
        if spreads or makes:
            near = item.children_recursive if spreads else with_what_moves_them([item], uses)
            if people_among(scene, _meshes(near)):
                found.append(item)
    return found


def _meshes(things) -> list:
    return [thing for thing in things if isinstance(thing, bpy.types.Object) and thing.type == "MESH"]


def _instances(scene, layer) -> Iterator[Uncast]:
    for item in shown_in(layer):
        if _instances_a_collection(item):
            yield from _those(scene, _all_in(item.instance_collection), "instance", item.name_full)


def _with_instances(objects: list) -> list:
    """Some objects, and what those of them that are instances of collections show."""
    inner = [item.instance_collection for item in objects if _instances_a_collection(item)]
    return objects + [item for each in inner for item in _all_in(each)]


def _all_in(collection) -> list:
    """What an instance of a collection shows, instances in it and in these included."""
    if collection.hide_render:
        return []
    # Blender allows no collection an instance of itself.
    own = _with_instances([item for item in collection.objects if rendered(item)])
    return own + [item for child in collection.children for item in _all_in(child)]


def _instances_a_collection(item) -> bool:
    return (
        item.type == "EMPTY" and item.instance_type == "COLLECTION" and item.instance_collection is not None
    )


def _those(scene, objects: list, reason: Reason, place: str) -> Iterator[Uncast]:
    if names := tuple(people_among(scene, objects)):
        yield Uncast(names, reason, place)
