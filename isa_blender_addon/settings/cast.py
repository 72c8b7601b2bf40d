"""The cast as a scene remembers it: who plays, and the picture of each."""

from pathlib import Path

import bpy
import numpy as np
from bpy.props import (
    BoolProperty,
    BoolVectorProperty,
    EnumProperty,
    FloatVectorProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from isa_engine.body.fitting.keypoints import KEYPOINTS
from isa_engine.errors import SceneError
from isa_engine.shot.validation import MAX_PROMPT

from ..scene.capture import Reference
from ..scene.characters import (
    armature_of,
    body_mesh,
    cast_word,
    find_characters,
    kept_by_scene,
    nobody_plays,
    set_cast,
)
from ..scene.hiding import put_back
from ..scene.picture import picture_size, same_picture
from ..scene.reference import render_reference
from ..scene.stance import Stance, keep_stances, read_stance
from ..scene.view import Ghost
from .changes import quietly
from .models import model_named

# From Blender 4.5 on a path property must say that its paths may begin with "//", the .blend's folder.
BLEND_RELATIVE = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5) else set()


# Colours that people with colour blindness tell apart (Okabe and Ito).
_COLOURS = (
    (0.90, 0.62, 0.00),
    (0.34, 0.71, 0.91),
    (0.00, 0.62, 0.45),
    (0.94, 0.89, 0.26),
    (0.80, 0.47, 0.65),
    (0.84, 0.37, 0.00),
    (0.00, 0.45, 0.70),
)


class CastMember(bpy.types.PropertyGroup):
    """A character of the scene, and the picture of who plays it."""

    character: PointerProperty(type=bpy.types.Object, name="Character")
    recognised_by: StringProperty()
    shown: BoolProperty(description="Whether it is among the characters that the render shows")
    include: BoolProperty(
        name="Include",
        description="Generate this character",
        get=lambda self: bool(self.character and cast_word(self.id_data, self.character) is not False),
        set=lambda self, value: self.set_include(value),
    )
    colour: FloatVectorProperty(
        name="Color",
        description="Of the character's points in the viewport",
        subtype="COLOR_GAMMA",
        min=0,
        max=1,
        default=_COLOURS[0],
    )
    picture: StringProperty(
        name="Picture",
        description="A picture, in any format that Blender opens, that shows how the character looks",
    )
    prompt: StringProperty(
        name="Wears",
        description="What the picture does not tell of the character's looks, in words",
        maxlen=MAX_PROMPT,
    )
    pose: EnumProperty(
        name="Posed as at",
        description="When the character stands as it does in the picture",
        items=[
            ("FIRST", "First Frame", "As at the shot's first frame"),
            ("FRAME", "Frame", "As at a frame of your choice"),
            (
                "MATCHED",
                "Stand-In",
                "As its stand-in stands, which is fitted to the picture or posed by hand",
            ),
            (
                "PICTURED",
                "As Pictured",
                "As it stood when the picture was made of this scene, wherever it is now",
            ),
        ],
    )
    frame: IntProperty(name="Frame", description="The scene frame that the picture shows", default=1)

    ghost: PointerProperty(type=bpy.types.Object, name="Stand-In")
    ghost_camera: PointerProperty(type=bpy.types.Object, name="Stand-In's Camera")
    # ``scene.stance``, and the picture that it is of: there may be another by now.
    stance: PointerProperty(type=bpy.types.Mesh)
    stance_of: StringProperty()
    marked: BoolVectorProperty(size=len(KEYPOINTS))
    marks_x: FloatVectorProperty(size=len(KEYPOINTS))
    marks_y: FloatVectorProperty(size=len(KEYPOINTS))
    # ``matching.found``.
    found: StringProperty()

    @property
    def marks(self) -> np.ndarray:
        """Keypoints marked on the picture: ``(17, 2)`` in [0, 1], y down; NaN where there is none."""
        places = np.stack([self.marks_x[:], self.marks_y[:]], 1).astype(float)
        places[~np.array(self.marked[:])] = np.nan
        return places

    @marks.setter
    def marks(self, places: np.ndarray) -> None:
        known = ~np.isnan(places).any(1)
        self.marked = known.tolist()
        self.marks_x, self.marks_y = (np.where(known, column, 0).tolist() for column in places.T)

    def set_include(self, value: bool) -> None:
        # A character that only the artist's word makes one keeps that word; a library may say otherwise, or
        # another scene.
        keeps = self.recognised_by == "override" or kept_by_scene(self.character)
        set_cast(self.id_data, self.character, (True if keeps else None) if value else False)
        if not value:
            # Nobody is generated in the place of this one, who is to be rendered.
            put_back(self.id_data, self.character)


def refresh_cast(scene) -> None:
    """Bring the cast list up to what the scene holds; pictures stay with their characters.

    Characters that the render does not show now stay in the list, marked, as long as the scene has them.

    Raises:
        SceneError: the artist's override names what cannot be a character.
    """
    found = {rig.armature or rig.mesh: rig for rig in find_characters(scene)}
    cast = scene.isa.cast
    _keep_detail(scene.isa)
    for index in reversed(range(len(cast))):
        character = cast[index].character
        if character in found:
            cast[index].recognised_by, cast[index].shown = found.pop(character).recognised_by, True
        elif character is None or scene not in character.users_scene:
            _drop_stance(cast[index])
            cast.remove(index)
        else:
            cast[index].shown = False
    for character, rig in found.items():
        member = cast.add()
        member.character, member.recognised_by, member.shown = character, rig.recognised_by, True
        member.colour = _free_colour(cast)
    with quietly():
        scene.isa.cast_index = min(scene.isa.cast_index, max(len(cast) - 1, 0))


def _keep_detail(isa) -> None:
    """Have the scene say what its detail is, which Blender stores only where it was set. A scene with a cast
    that does not say it is of a time when all began with 1."""
    if not isa.is_property_set("detail"):
        isa.detail = 1 if len(isa.cast) else isa.detail


def _free_colour(cast) -> tuple[float, float, float]:
    """The first colour that fewest of the others have."""
    taken = [tuple(round(part, 2) for part in member.colour) for member in cast[:-1]]
    return min(_COLOURS, key=taken.count)


def playing(scene) -> list[CastMember]:
    """The members that will be generated."""
    return [member for member in scene.isa.cast if member.shown and member.include]


def cast_member(scene, character: str) -> CastMember:
    """The member of that name.

    Raises:
        SceneError: there is none.
    """
    for member in scene.isa.cast:
        if member.character is not None and member.character.name_full == character:
            return member
    problem, remedy = "'{name}' is not in the cast", "Look for characters again in the cast."
    raise SceneError(problem, remedy=remedy, name=character)


def member_of(scene, item) -> CastMember | None:
    """Whose an object is: rig, body, what is on the same bones, or stand-in."""
    whose = {item, armature_of(item) if item.type == "MESH" else None} - {None}
    return next((member for member in scene.isa.cast if whose & {member.character, member.ghost}), None)


def references(scene) -> dict[str, Reference]:
    """The pictures of the cast, by the characters' names."""
    return {
        member.character.name_full: Reference(
            member.picture,
            member.frame if member.pose == "FRAME" else None,
            _ghost(scene, member),
            stance(member) if member.pose == "PICTURED" else None,
        )
        for member in playing(scene)
        if member.picture
    }


def prompts(scene) -> dict[str, str]:
    """What the cast wears, in words, by the characters' names, where the scene's model reads them.

    Raises:
        SceneError: the model is not known.
    """
    if not model_named(scene.isa.model).prompted:
        return {}
    return {member.character.name_full: member.prompt for member in playing(scene) if member.prompt}


def has_ghost(scene, member: CastMember) -> bool:
    return all(item and scene in item.users_scene for item in (member.ghost, member.ghost_camera))


def _ghost(scene, member: CastMember) -> Ghost | None:
    size = picture_size(member.picture)
    if member.pose != "MATCHED" or not has_ghost(scene, member) or size is None:
        return None
    return Ghost(body_mesh(member.ghost), member.ghost_camera, size)


def stance(member: CastMember) -> Stance | None:
    """How a member stood when its picture was made of the scene; None where nothing tells."""
    return read_stance(member.stance) if _has_its_picture(member) else None


def give_picture(member: CastMember, picture: str) -> None:
    """Give a member a picture: that which was made of the scene, or another, which tells of another pose."""
    member.picture = picture
    if _has_its_picture(member):
        member.pose = "PICTURED"
    elif member.pose == "PICTURED":
        member.pose = "FIRST"


def _has_its_picture(member: CastMember) -> bool:
    """Whether a member has the picture that its stance is of."""
    return member.stance is not None and same_picture(member.picture, member.stance_of)


def cast_picture(scene, picture: str) -> None:
    """Give one picture to the whole cast, posed as at the shot's first frame.

    Raises:
        SceneError: there is nobody to give it to.
    """
    for member in _whole_cast(scene):
        member.picture, member.pose = picture, "FIRST"


def picture_cast(scene, frame: int, path: str | Path) -> None:
    """Render a frame of the scene, and give that picture to the whole cast, posed as it stands there now.

    Raises:
        SceneError: there is nobody to give it to, no camera, or the place cannot be written.
    """
    members = _whole_cast(scene)
    picture = str(render_reference(scene, frame, path))
    rigs = {rig.armature or rig.mesh: rig for rig in find_characters(scene)}
    stances = keep_stances(scene, frame, [rigs[member.character] for member in members])
    for member, kept in zip(members, stances, strict=True):
        _drop_stance(member)
        member.stance, member.stance_of = kept, picture
        give_picture(member, picture)


def _whole_cast(scene) -> list[CastMember]:
    refresh_cast(scene)
    members = playing(scene)
    if not members:
        raise nobody_plays(scene)
    return members


def _drop_stance(member: CastMember) -> None:
    mesh, member.stance = member.stance, None
    # A copy of the scene may still have it.
    if mesh is not None and not mesh.users:
        bpy.data.meshes.remove(mesh)


CLASSES = (CastMember,)
