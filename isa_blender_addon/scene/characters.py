"""Which objects of a scene are its cast.

A mesh is a character if it carries the SMPL-X add-on's custom properties, if its armature has the 55 SMPL-X
bones, or if the artist says so; the artist's word is the custom property ``isa_cast`` on the armature or the
mesh: true takes any skinned mesh in, false leaves a character out. Of one from a library file the scene keeps
the word, for Blender does not save what is new on it; of one that several scenes share, each keeps its own.
What the render does not show stays out.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from isa_engine.body import SMPLX_JOINTS
from isa_engine.errors import SceneError

from .animation import moving
from .library import from_library
from .timeline import view_layer
from .unseen import unseen

CAST_PROPERTY = "isa_cast"
_SMPLX_PROPERTIES = ("smplx_gender", "smplx_version")
_VISIBILITY = ("hide_render", "visible_camera", "is_holdout", "show_instancer_for_render")
# The MPI add-on follows SMPL-X's file in naming the eyes, Meshcapade's rigs do not.
_EYES = {"left_eye_smplhf": "left_eye", "right_eye_smplhf": "right_eye"}


RecognisedBy = Literal["property", "bones", "override"]


@dataclass(frozen=True)
class CharacterRig:
    """A character of the scene.

    Attributes:
        name: the armature's, or the mesh's where there is none; of a linked one with its library, so that no
            two have the same.
        armature: the object that poses the mesh; None for one posed otherwise, such as by a cache.
        mesh: the body's mesh object.
        recognised_by: what told.
        gender: of the body, "" if nothing tells.
        included: false if the artist keeps it out.
    """

    name: str
    armature: Any
    mesh: Any
    recognised_by: RecognisedBy
    gender: str
    included: bool


def find_characters(scene) -> list[CharacterRig]:
    """The characters that the render shows, by name; those that the artist keeps out are among them.

    Raises:
        SceneError: the artist's override names what cannot be a character.
    """
    shown = shown_in(view_layer(scene))
    bodies: dict = {}
    for item in shown:
        if item.type == "MESH" and (armature := armature_of(item)):
            bodies.setdefault(armature, []).append(item)
    cast = [_character(scene, armature, _body(meshes)) for armature, meshes in bodies.items()]
    cast += [_character(scene, None, item) for item in shown if item.type == "MESH" and not armature_of(item)]
    for item in shown:
        if item.type == "ARMATURE" and cast_word(scene, item) and body_mesh(item) is None:
            remedy = "Give it a skinned mesh, or take the armature out of the cast."
            raise SceneError("'{name}' poses no mesh", remedy=remedy, name=item.name)
    return sorted((character for character in cast if character), key=lambda character: character.name)


def check_mode(scene, character: CharacterRig) -> None:
    """
    Raises:
        SceneError: the artist edits body or bones.
    """
    for item in (character.mesh, character.armature):
        if item is not None and item.mode == "EDIT":
            raise SceneError(
                "'{name}' of scene '{scene}' is in Edit Mode, where nothing moves",
                remedy="Leave the mode with Tab.",
                name=item.name,
                scene=scene.name,
            )


def nobody_plays(scene) -> SceneError:
    """What stands in the way where a scene's cast is empty."""
    return SceneError(
        "there is no character in scene '{scene}'",
        remedy="Add ▸ SMPL-X Character, show one in renders, or select a skinned mesh: Add Selected to Cast.",
        scene=scene.name,
    )


def cast_word(scene, character_object) -> bool | None:
    """The artist's word on an armature or mesh; None: it is left to recognition."""
    for word in scene.get(CAST_PROPERTY, ()):
        if word["character"] == character_object:
            return bool(word["included"])
    word = character_object.get(CAST_PROPERTY)
    return None if word is None else bool(word)


def set_cast(scene, character_object, included: bool | None) -> None:
    """Write the artist's word on an armature or mesh; None leaves it to recognition, or to what its library
    says."""
    words = [dict(word) for word in scene.get(CAST_PROPERTY, ())]
    words = [word for word in words if word["character"] not in (character_object, None)]
    kept = kept_by_scene(character_object)
    if kept and included is not None:
        words.append({"character": character_object, "included": included})
    _write(scene, words or None)
    if not kept:
        _write(character_object, included)


def kept_by_scene(character_object) -> bool:
    """Whether the artist's word on somebody is the scene's: of who is from a library, or plays in several
    scenes, each of which has a cast of its own."""
    return from_library(character_object) or len(character_object.users_scene) > 1


def joint_bones(armature) -> list[str] | None:
    """The names of the bones of the 55 SMPL-X joints, in the joints' order; None if one is missing."""
    bones = armature.data.bones
    names = [joint if joint in bones else _EYES.get(joint, joint) for joint in SMPLX_JOINTS]
    return names if all(name in bones for name in names) else None


def evaluated(item, scene) -> bool:
    """Whether Blender poses the object in the viewport; not one that is off there (``as_rendered``)."""
    return item.evaluated_get(view_layer(scene).depsgraph).is_evaluated


def rendered(item) -> bool:
    """Whether the render shows an object on the current frame, where its collection is shown, or would if
    generated people were not laid over it (``unseen``)."""
    return (
        not item.hide_render
        and (item.visible_camera or unseen(item))
        and not item.is_holdout
        and not _only_its_copies(item)
    )


def _only_its_copies(item) -> bool:
    """Whether a mesh carries others, or hair, and is not rendered itself, or a parent copies it."""
    if item.type != "MESH":
        return False
    carries = item.instance_type != "NONE" or any(m.type == "PARTICLE_SYSTEM" for m in item.modifiers)
    copied = item.parent is not None and item.parent.instance_type in ("VERTS", "FACES")
    return copied or (carries and not item.show_instancer_for_render)


def _comes_and_goes(item) -> bool:
    """Whether an object's visibility in renders is animated."""
    return any(curve.data_path in _VISIBILITY for curve in moving(item))


def body_mesh(armature):
    """The mesh object that is the armature's body, or None."""
    meshes = [item for item in armature.users_scene[0].objects if item.type == "MESH"]
    meshes = [item for item in meshes if armature_of(item) == armature]
    return _body(meshes) if meshes else None


def _write(owner, word: list[dict] | bool | None) -> None:
    if word is not None:
        owner[CAST_PROPERTY] = word
    elif CAST_PROPERTY in owner:
        del owner[CAST_PROPERTY]


def _character(scene, armature, mesh) -> CharacterRig | None:
    owners = [owner for owner in (armature, mesh) if owner is not None]
    words = [word for owner in owners if (word := cast_word(scene, owner)) is not None]
    recognised_by: RecognisedBy
    if has_properties(mesh):
        recognised_by = "property"
    elif armature is not None and joint_bones(armature):
        recognised_by = "bones"
    elif any(words):
        recognised_by = "override"
        if armature is None:
            problem = "'{name}' is no SMPL-X character and no skinned mesh"
            remedy = "Take it out of the cast, or give it an Armature modifier."
            raise SceneError(problem, remedy=remedy, name=mesh.name)
    else:
        return None
    return CharacterRig(owners[0].name_full, armature, mesh, recognised_by, _gender(mesh), all(words))


def _gender(mesh) -> str:
    told = str(_property(mesh, ("smplx_gender",)) or mesh.name).lower()
    # "female" holds "male".
    return next((gender for gender in ("female", "male", "neutral") if gender in told), "")


def has_properties(mesh) -> bool:
    """Whether it is an SMPL-X body, or a part that was separated from one, by the add-on's properties."""
    return _property(mesh, _SMPLX_PROPERTIES) is not None


def _property(mesh, names):
    for owner in (mesh, mesh.data):
        for name in names:
            if name in owner:
                return owner[name]
    return None


def armature_of(mesh):
    """The armature that deforms a mesh."""
    for modifier in mesh.modifiers:
        if modifier.type == "ARMATURE" and modifier.object is not None:
            return modifier.object
    return mesh.parent if mesh.parent_type == "ARMATURE" else None


def _body(meshes):
    """Of the meshes on one armature, the body: clothes and hair hang on fewer joints, and on bones of other
    names heads and hair have the most vertices while bodies reach the farthest."""
    joints = {*SMPLX_JOINTS, *_EYES.values()}

    def likeness(item) -> tuple:
        skinned = sum(group.name in joints for group in item.vertex_groups)
        reach = 0.0 if skinned else float(np.linalg.norm(np.subtract(*rest_box(item, item.matrix_world))))
        return has_properties(item), skinned, reach, len(item.data.vertices)

    return max(meshes, key=likeness)


def rest_box(item, matrix) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and the highest coordinates of a mesh that is not posed; Blender's own box is of the pose.

    Args:
        matrix: ``(4, 4)`` to the space whose coordinates they are.
    """
    vertices = np.empty(3 * len(item.data.vertices), np.float32)
    item.data.vertices.foreach_get("co", vertices)
    matrix = np.array(matrix)
    places = vertices.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
    return (places.min(0), places.max(0)) if len(places) else (np.zeros(3), np.zeros(3))


def people_among(scene, objects) -> list[str]:
    """Names of those among some objects who are characters by themselves, without the artist's word."""
    found = [_character(scene, armature_of(item), item) for item in objects if item.type == "MESH"]
    names = [rig.name for rig in found if rig and rig.included and rig.recognised_by != "override"]
    return sorted(set(names))


def shown_in(layer) -> list:
    """The objects of a view layer that the render shows on some frame; some of them may be off in viewports
    (``as_rendered``)."""
    shown: dict = {}

    def visit(place) -> None:
        if place.exclude or place.collection.hide_render:
            return
        for item in place.collection.objects:
            # Collections may take all that is in them out of the picture, and leave their shadows.
            apart = item.holdout_get(view_layer=layer) or item.indirect_only_get(view_layer=layer)
            if not apart and (rendered(item) or _comes_and_goes(item)):
                shown[item] = None
        for child in place.children:
            visit(child)

    if layer.layer_collection is None:
        # Blender 5.2 fills a view layer when it is first shown or updated, earlier ones as the scene is made.
        layer.update()
    visit(layer.layer_collection)
    return list(shown)
