"""Plain clothes: one material a region of the body, so that a character looks dressed in a render."""

from typing import Any

import bpy
import numpy as np

from isa_engine.body import SMPLX_JOINTS
from isa_engine.errors import SceneError

from ..scene.characters import body_mesh, joint_bones

Colour = tuple[float, float, float]

_TROUSERS = ("pelvis", "left_hip", "right_hip", "left_knee", "right_knee")
_SHOES = ("left_ankle", "right_ankle", "left_foot", "right_foot")
_SHIRT = (
    *("spine1", "spine2", "spine3", "left_collar", "right_collar"),
    *("left_shoulder", "right_shoulder"),
)
_EYES = SMPLX_JOINTS[23:25]


def dress(
    armature,
    *,
    skin: Colour = (0.60, 0.36, 0.25),
    shirt: Colour = (0.75, 0.10, 0.08),
    trousers: Colour = (0.05, 0.09, 0.22),
    hair: Colour = (0.04, 0.02, 0.01),
    shoes: Colour = (0.75, 0.75, 0.72),
) -> None:
    """Give the body of a character five materials, in place of those it has.

    Regions follow the joint that weighs most on each vertex; hair is the part of the head above the brow and
    behind the ears. The eyes take the hair's colour.

    Args:
        armature: of a character with the 55 joints.
        skin, shirt, trousers, hair, shoes: linear RGB in [0, 1].

    Raises:
        SceneError: it has not the 55 joints, or no mesh.
    """
    bones, mesh = joint_bones(armature), body_mesh(armature)
    if bones is None or mesh is None:
        problem, remedy = "'{name}' is not an SMPL-X rig", "Choose an SMPL-X character."
        raise SceneError(problem, remedy=remedy, name=armature.name)
    colours = {"skin": skin, "shirt": shirt, "trousers": trousers, "hair": hair, "shoes": shoes}
    regions = list(colours)
    mesh.data.materials.clear()
    for region, colour in colours.items():
        mesh.data.materials.append(_material(f"{armature.name} {region}", colour))

    joint = _heaviest_joint(mesh, bones)
    worn = np.zeros(len(joint), np.int32)
    for name, joints in (("shirt", _SHIRT), ("trousers", _TROUSERS), ("shoes", _SHOES), ("hair", _EYES)):
        worn[np.isin(joint, [SMPLX_JOINTS.index(j) for j in joints])] = regions.index(name)
    worn[_scalp(armature, mesh, bones, joint)] = regions.index("hair")

    polygons = mesh.data.polygons
    first_corner = np.empty(len(polygons), np.int32)
    polygons.foreach_get("loop_start", first_corner)
    corner_vertex = np.empty(len(mesh.data.loops), np.int32)
    mesh.data.loops.foreach_get("vertex_index", corner_vertex)
    polygons.foreach_set("material_index", worn[corner_vertex[first_corner]])
    mesh.data.update()


def _heaviest_joint(mesh, bones: list[str]) -> np.ndarray:
    """Index of the joint with the largest weight on each vertex; −1 where there is none."""
    joint_of_group = {
        group.index: bones.index(group.name) for group in mesh.vertex_groups if group.name in bones
    }
    heaviest = np.full(len(mesh.data.vertices), -1, np.int32)
    for index, vertex in enumerate(mesh.data.vertices):
        weights = [(g.weight, joint_of_group[g.group]) for g in vertex.groups if g.group in joint_of_group]
        if weights:
            heaviest[index] = max(weights)[1]
    return heaviest


def _scalp(armature, mesh, bones: list[str], joint: np.ndarray) -> np.ndarray:
    """Which vertices of the head are hair: ``(V,)`` bool."""
    rest = np.empty(3 * len(joint), np.float32)
    mesh.data.vertices.foreach_get("co", rest)
    rest = rest.reshape(-1, 3)
    head, eye = (
        np.array(armature.data.bones[bones[SMPLX_JOINTS.index(j)]].head_local) for j in ("head", _EYES[0])
    )
    on_head = joint == SMPLX_JOINTS.index("head")
    # The front is −Y. The head's own depth sets the scale.
    depth = head[1] - eye[1]
    above_brow = rest[:, 2] > eye[2] + 0.6 * depth + 0.5 * (rest[:, 1] - eye[1]) * -1
    behind_ears = (rest[:, 1] > head[1]) & (rest[:, 2] > eye[2] - 0.8 * depth)
    return on_head & (above_brow | behind_ears)


def _material(name: str, colour: Colour):
    material: Any = bpy.data.materials.new(name)
    material.diffuse_color = (*colour, 1)
    material.use_nodes = True
    surface = material.node_tree.nodes["Principled BSDF"]
    surface.inputs["Base Color"].default_value = (*colour, 1)
    surface.inputs["Roughness"].default_value = 0.8
    return material
