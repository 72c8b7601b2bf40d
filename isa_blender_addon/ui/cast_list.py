"""The list of the cast."""

from pathlib import Path

import bpy

from ..settings.models import chosen
from .matching import draw_matching, match_word
from .thumbnails import icon

_RECOGNISED = {
    "property": ("OUTLINER_OB_ARMATURE", "Recognized by its SMPL-X property"),
    "bones": ("BONE_DATA", "Recognized by its bones"),
    "override": ("USER", "In the cast because you said so"),
}
# Height of a picture, in icons.
_PICTURE_SCALE = 5
_HIDDEN = "HIDE_ON", "Not shown in renders"


class ISA_UL_cast(bpy.types.UIList):
    """One line a character: included or not, how it was recognised, how well its picture is matched."""

    def draw_item(self, context, layout, _data, member, _icon, _active, _property, _index) -> None:  # type: ignore[override]
        if member.character is None:
            layout.label(text="removed", icon="GHOST_DISABLED")
            return
        row = layout.row(align=True)
        row.active = member.shown and member.include
        row.prop(member, "include", text="")
        swatch = row.row()
        swatch.ui_units_x = 0.8
        swatch.prop(member, "colour", text="")
        # How it was recognized is told below: name and match need the room.
        half = row.split(factor=0.5, align=True)
        if member.character.library is None:
            # A double click renames.
            half.prop(member.character, "name", text="", emboss=False)
        else:
            half.label(text=member.character.name_full, translate=False)
        text, icon = match_word(context.scene, member)
        if member.include and not member.shown:
            icon = _HIDDEN[0]
        state = half.row()
        # In red, for a sign or the picture beside it would leave the words no room.
        state.alert = icon == "ERROR"
        state.label(text=text, translate=False, icon="NONE" if icon == "ERROR" else icon)
        picture = thumbnail(member.picture) if member.picture and not state.alert else None
        if picture is not None:
            row.label(text="", icon_value=picture)


def draw_member(context, layout, member) -> None:
    """What the list has no room for."""
    if member.character is None:
        return
    icon, words = _standing(member)
    layout.label(text=words, icon=icon)
    name = member.character.name_full
    row = layout.row(align=True)
    row.prop(member, "picture")
    row.operator("isa.choose_picture", text="", icon="FILE_FOLDER").character = name
    row.operator("isa.paste_picture", text="", icon="PASTEDOWN").character = name
    model = chosen(context.scene)
    if model is not None and model.prompted:
        layout.prop(member, "prompt", placeholder="A red coat")
    shown = thumbnail(member.picture) if member.picture else None
    if shown is None:
        # As high as a picture, so that none below moves when one comes.
        place = layout.column()
        place.scale_y = _PICTURE_SCALE
        place.alert = bool(member.picture)
        place.label(text="The picture is missing" if member.picture else "Drop a picture on the body")
    else:
        layout.template_icon(icon_value=shown, scale=_PICTURE_SCALE)
    row = layout.row(align=True)
    row.enabled = bool(member.picture)
    row.prop(member, "pose", text="Pose")
    if member.pose == "FRAME":
        row.prop(member, "frame", text="")
    elif member.pose == "MATCHED" and member.picture:
        draw_matching(context, layout, member)


def _standing(member) -> tuple[str, str]:
    """Icon and words for how a character got into the list, or why it is not generated."""
    return _HIDDEN if member.include and not member.shown else _RECOGNISED[member.recognised_by]


def thumbnail(picture: str) -> int | None:
    """The icon of a picture file, None if it is missing; read once, and again when the file changes."""
    path = Path(bpy.path.abspath(picture))
    try:
        return icon(path, path.stat().st_mtime_ns)
    except OSError:
        return None


CLASSES = (ISA_UL_cast,)
