"""What a copy of a scene shows of its original's plate, parted before one of them shows another take.

Blender's *Full Copy* copies planes and cameras, and not the materials, images and groups of the compositor
that they show; drivers of the copied planes look at the original's render size. *Linked Copy* copies none.
"""

from collections.abc import Iterable
from typing import Any

import bpy

from .movie import PLATE_PROPERTY


def other_scenes(scene) -> list:
    """All scenes of the file but one."""
    scenes: Any = bpy.data.scenes
    return [other for other in scenes if other != scene]


def follows(owner, scene) -> bool:
    """Whether drivers that look at a scene look at this one: then a plane is its own."""
    return all(target.id == scene for target in _scenes_looked_at(owner))


def part_planes(shown: list, theirs: Iterable, scene) -> None:
    """Let planes show nothing that those of other scenes show, and follow their own scene.

    Args:
        shown: planes that are the scene's own.
        theirs: planes of others.
    """
    used: set = set()
    for plane in theirs:
        used |= {*plane.data.materials, *_images_on(plane).values()}
    copies: dict = {}
    for plane in shown:
        if plane.data.users > 1:
            plane.data = plane.data.copy()
        for slot in (slot for slot in plane.material_slots if slot.material is not None):
            if slot.material in used:
                slot.material = _copied(slot.material, copies)
            _follow(slot.material.node_tree, scene)
        for key, image in _images_on(plane).items():
            if image in used:
                plane[key] = _copied(image, copies)
        _follow(plane, scene)


def parted_group(group, scene):
    """A copy of a group of nodes that another scene's compositor has too, with movies of its own."""
    return _follow(_with_movies(group.copy(), {}), scene)


def _images_on(plane) -> dict:
    """The images that custom properties name."""
    return {key: value for key, value in plane.items() if isinstance(value, bpy.types.Image)}


def _copied(block, copies: dict):
    if block not in copies:
        copies[block] = block.copy()
        if isinstance(block, bpy.types.Material):
            _with_movies(copies[block].node_tree, copies)
    return copies[block]


def _with_movies(tree, copies: dict):
    for node in tree.nodes if tree else ():
        image = getattr(node, "image", None)
        if image is not None and PLATE_PROPERTY in image:
            node.image = _copied(image, copies)
    return tree


def _follow(owner, scene):
    """Let drivers that look at a scene look at this one, also where theirs is gone."""
    for target in _scenes_looked_at(owner):
        if target.id != scene:
            target.id = scene
    return owner


def _scenes_looked_at(owner) -> list:
    """The targets of drivers that are scenes."""
    curves = owner.animation_data.drivers if owner and owner.animation_data else ()
    targets = (t for c in curves for variable in c.driver.variables for t in variable.targets)
    return [target for target in targets if target.id_type == "SCENE"]
