"""The list of the cast."""

from pathlib import Path

import bpy

from ..settings.models import chosen
from .matching import draw_matching, match_word
from .sentence import drawn_width, units
from .thumbnails import icon

_RECOGNISED = {
    "property": ("OUTLINER_OB_ARMATURE", "Recognized by its SMPL-X property"),
    "bones": ("BONE_DATA", "Recognized by its bones"),
    "override": ("USER", "In the cast because you said so"),
}
# Height of a picture, in icons.
_PICTURE_SCALE = 5
# Of a row, in heights of a button: what is beside its words in the sidebar and in the row, and what a name
# and the words after it take beside their letters.
_BESIDE, _AROUND_NAME, _AROUND_WORDS = 6.7, 0.5, 0.4
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
        text, icon = match_word(context.scene, member)
        if member.include and not member.shown:
            icon = _HIDDEN[0]
        # Beside words in red a sign or the picture would leave these no room.
        picture = thumbnail(member.picture) if member.picture and icon != "ERROR" else None
        room = max(units(context) - _BESIDE - (picture is not None), 1.0)
        share = _names_share(context, member.character.name_full, text, icon, room)
        both = row.split(factor=share, align=True)
        if member.character.library is None:
            # A double click renames.
            both.prop(member.character, "name", text="", emboss=False)
        else:
            both.label(text=member.character.name_full, translate=False)
        if share < 1:
            state = both.row()
            state.alert = icon == "ERROR"
            state.label(text=text, translate=False, icon="NONE" if state.alert else icon)
        if picture is not None:
            row.label(text="", icon_value=picture)


def _names_share(context, name: str, words: str, icon: str, room: float) -> float:
    """Of the room for a name and how well its character is matched: all but what the words need. All of it
    where that is too little for the name and nothing is amiss: two of a long name are told apart by its end,
    and the match is told below, too.

    Args:
        room: in heights of a button.
    """
    needed = drawn_width(context, words) + _AROUND_WORDS + (icon not in ("NONE", "ERROR"))
    if icon == "NONE" and drawn_width(context, name) + _AROUND_NAME + needed > room:
        return 1.0
    return min(max(1 - needed / room, 0.3), 1.0)


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
