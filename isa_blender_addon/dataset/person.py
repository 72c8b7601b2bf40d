"""A person in Blender: the open body on its rig, skin and eyes, garments, shoes and hair."""

from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from isa_engine.body import SMPLX_JOINTS, BodyModel
from isa_engine.body.model.axes import to_world
from isa_engine.data.scenario.split import Split

from ..rigs.rig import add_character
from ..scene.characters import body_mesh
from . import materials
from .garments import Surface, Tailor
from .hair import STEPS, random_style, strands

_STRANDS = 2500


@dataclass(frozen=True)
class Person:
    """Somebody in the scene, dressed.

    Attributes:
        armature: its rig.
        objects: everything that shows.
        betas: ``(10,)`` float32.
        patterns: of the upper and the lower garment, as the split has them.
    """

    armature: bpy.types.Object
    objects: tuple[bpy.types.Object, ...]
    betas: np.ndarray
    patterns: tuple[str, str]


def random_person(random: np.random.Generator, body: BodyModel, split: Split, number: int) -> Person:
    """Make somebody.

    Args:
        number: of the character, from 1: the mask's value, as Blender's object index.
    """
    betas = random.normal(0, 0.9, 10).astype(np.float32)
    armature = add_character(bpy.context, body, f"Person {number}", betas=betas)
    tailor = Tailor(body, betas)
    mesh = body_mesh(armature)
    # The shape stays: without keys there is less to evaluate on each frame.
    mesh.shape_key_clear()
    mesh.data.vertices.foreach_set("co", to_world(tailor.skin).astype(np.float32).ravel())
    garments, patterns = _clothes(random, tailor, split, armature)
    objects = [mesh, *garments]
    style = random_style(random)
    hair_colour = random.dirichlet([0.35] * len(materials.HAIR)) @ materials.HAIR
    if random.random() < 0.03:
        hair_colour = materials.random_colour(random, 0.5)
    _skin(random, mesh, tailor, hair_colour)
    if random.random() < 0.94:
        stuff = materials.hair(hair_colour)
        objects.append(_worn("hair", tailor.scalp(style.thickness, style.brow, style.nape), stuff, armature))
        objects.append(_strands(strands(tailor, style, _STRANDS, random), stuff, armature))
    for item in objects:
        item.pass_index = number
    return Person(armature, tuple(objects), betas, patterns)


def _clothes(random, tailor: Tailor, split: Split, armature) -> tuple[list, tuple[str, str]]:
    """Objects, and the patterns of top and bottom."""
    upper, lower = (str(random.choice(materials.PATTERNS)) for _ in range(2))
    while not split.owns_look(upper, lower):
        upper, lower = (str(random.choice(materials.PATTERNS)) for _ in range(2))
    upper_stuff, lower_stuff = materials.cloth(random, upper), materials.cloth(random, lower)
    loose = float(random.beta(1.5, 1.5))
    worn = []
    kind = random.choice(["trousers", "shorts", "skirt", "dress"], p=[0.5, 0.2, 0.15, 0.15])
    if kind in ("trousers", "shorts"):
        leg = 1.93 if kind == "trousers" else random.uniform(0.45, 1.1)
        worn.append(("trousers", tailor.trousers(leg, float(random.beta(1.2, 1.5))), lower_stuff))
    else:
        shape = tailor.skirt(
            random.uniform(0.6, 1.6), random.uniform(0.03, 0.16), int(random.integers(5, 13)), random
        )
        worn.append(("skirt", shape, lower_stuff if kind == "skirt" else upper_stuff))
    tucked = kind in ("skirt", "dress") or random.random() < 0.25
    hem = -0.06 if tucked else random.uniform(0.0, 0.14)
    sleeve = float(random.choice([0.25, 0.55, 0.95, 1.5, 1.95]))
    worn.append(
        (
            "top",
            tailor.top(sleeve, hem, 0.3 * loose if tucked else loose, random.random() < 0.15),
            upper_stuff,
        )
    )
    worn.append(("shoes", tailor.shoes(random.choice([-0.01, 0.03, 0.12])), materials.leather(random)))
    return [_worn(name, shape, stuff, armature) for name, shape, stuff in worn], (upper, lower)


def _worn(name: str, shape: Surface, stuff, armature):
    """A surface as an object that the rig poses."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(to_world(shape.vertices), [], shape.faces)
    mesh.shade_smooth()
    mesh.materials.append(stuff)
    _stick(mesh, shape.vertices)
    item = bpy.data.objects.new(name, mesh)
    for joint in np.flatnonzero(shape.weights.any(0)):
        group = item.vertex_groups.new(name=SMPLX_JOINTS[joint])
        for vertex in np.flatnonzero(shape.weights[:, joint]).tolist():
            group.add([vertex], float(shape.weights[vertex, joint]), "REPLACE")
    item.parent = armature
    item.modifiers.new("Armature", "ARMATURE").object = armature  # type: ignore[attr-defined]
    bpy.context.collection.objects.link(item)
    return item


def _strands(points: np.ndarray, stuff, armature):
    """Hair curves on the head's bone."""
    curves = bpy.data.hair_curves.new("strands")
    curves.add_curves([STEPS] * len(points))
    flat = to_world(points.reshape(-1, 3))
    curves.points.foreach_set("position", flat.astype(np.float32).ravel())
    taper = np.linspace(0.0011, 0.0003, STEPS, dtype=np.float32)
    curves.points.foreach_set("radius", np.tile(taper, len(points)))
    curves.materials.append(stuff)
    rest: Any = curves.attributes.new(materials.REST, "FLOAT_VECTOR", "POINT")
    rest.data.foreach_set("vector", points.astype(np.float32).ravel())
    item = bpy.data.objects.new("strands", curves)
    bpy.context.collection.objects.link(item)
    item.parent, item.parent_type, item.parent_bone = armature, "BONE", "head"
    # A bone's children hang on its tail.
    bone = armature.data.bones["head"]
    item.matrix_parent_inverse = (bone.matrix_local @ Matrix.Translation((0, bone.length, 0))).inverted()
    return item


def _skin(random, mesh, tailor: Tailor, hair_colour: np.ndarray) -> None:
    """Skin, eyes, and the face's colours."""
    body, skin = tailor.body, tailor.skin
    for stuff in (materials.skin(random), materials.eye()):
        mesh.data.materials.append(stuff)
    _stick(mesh.data, skin)
    eyes = np.isin(tailor.limb, [SMPLX_JOINTS.index(f"{side}_eye_smplhf") for side in ("left", "right")])
    mesh.data.polygons.foreach_set("material_index", eyes[body.faces].any(1).astype(np.int32))

    paint, iris_colour = np.ones((len(skin), 3)), materials.HAIR[random.integers(3)]
    for side in ("left", "right"):
        eye = tailor.joints[f"{side}_eye_smplhf"]
        off = skin - eye
        iris = eyes & (np.linalg.norm(off[:, :2], axis=1) < 0.0065) & (off[:, 2] > 0)
        white = eyes & (np.linalg.norm(off, axis=1) < 0.03) & ~iris
        paint[white], paint[iris] = 0.75, iris_colour
        brow = (np.abs(off[:, 0]) < 0.022) & (np.abs(off[:, 1] - 0.02) < 0.006) & (off[:, 2] > 0) & ~eyes
        paint[brow] = 0.25 + 0.6 * hair_colour
    colour = mesh.data.attributes.new("paint", "FLOAT_COLOR", "POINT")
    colour.data.foreach_set("color", np.c_[paint, np.ones(len(paint))].astype(np.float32).ravel())


def _stick(mesh, places: np.ndarray) -> None:
    rest = mesh.attributes.new(materials.REST, "FLOAT_VECTOR", "POINT")
    rest.data.foreach_set("vector", places.astype(np.float32).ravel())
