"""The list of the cast, and the pictures' thumbnails."""

from pathlib import Path

import bpy
import bpy.utils.previews

_RECOGNISED = {
    "property": ("OUTLINER_OB_ARMATURE", "Recognised by its SMPL-X property"),
    "bones": ("BONE_DATA", "Recognised by its bones"),
    "override": ("USER", "In the cast because you said so"),
    "": ("HIDE_ON", "Not shown in renders"),
}
_thumbnails = None


class ISA_UL_cast(bpy.types.UIList):
    """One line a character: included or not, how it was recognised, its picture."""

    def draw_item(self, _context, layout, _data, member, _icon, _active, _property, _index) -> None:
        if member.character is None:
            layout.label(text="removed", icon="GHOST_DISABLED")
            return
        row = layout.row(align=True)
        row.active = bool(member.recognised_by and member.include)
        box = row.row()
        box.enabled = member.character.is_editable
        box.prop(member, "include", text="")
        row.label(text=member.character.name, icon=_RECOGNISED[member.recognised_by][0])
        row.prop(member, "picture", text="", placeholder="Picture")


def draw_member(layout, member) -> None:
    """What the list has no room for."""
    layout.label(text=_RECOGNISED[member.recognised_by][1], icon=_RECOGNISED[member.recognised_by][0])
    if not member.picture:
        return
    if icon := thumbnail(member.picture):
        layout.template_icon(icon_value=icon, scale=5)
    else:
        layout.label(text="The picture is missing", icon="ERROR")
    row = layout.row(align=True)
    row.prop(member, "pose", text="Posed as at")
    if member.pose == "FRAME":
        row.prop(member, "frame", text="")


def thumbnail(picture: str) -> int:
    """The icon of a picture file, 0 if it is missing; read once, and again when the file changes."""
    path = Path(bpy.path.abspath(picture))
    try:
        key = f"{path} {path.stat().st_mtime_ns}"
    except OSError:
        return 0
    if key not in _thumbnails:
        _thumbnails.load(key, str(path), "IMAGE")
    return _thumbnails[key].icon_id


CLASSES = (ISA_UL_cast,)


def register() -> None:
    global _thumbnails
    _thumbnails = bpy.utils.previews.new()


def unregister() -> None:
    bpy.utils.previews.remove(_thumbnails)
