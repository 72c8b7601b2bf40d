"""Small pictures of files in panels; Blender reads them in the background unless they change all the time."""

from pathlib import Path
from typing import Any, Literal

import bpy.utils.previews

_previews: Any = None
# Which version of each file is shown, by its path.
_versions: dict[str, int] = {}


def icon(
    file: Path, version: int = 0, kind: Literal["IMAGE", "MOVIE"] = "IMAGE", at_once: bool = False
) -> int:
    """The icon of a picture or movie file.

    Args:
        version: another number has the file read again.
        kind: "IMAGE" or "MOVIE".
        at_once: read it here, lest a picture that changes every second be nothing but Blender's clock.
    """
    name = str(file)
    if _versions.get(name) != version:
        if name in _previews:
            del _previews[name]
        _previews.load(name, name, kind)
        _versions[name] = version
        if at_once:
            # Asking for the size makes Blender read the picture now and not in its background thread.
            _ = _previews[name].image_size[:]
    return _previews[name].icon_id


def register() -> None:
    global _previews
    _previews = bpy.utils.previews.new()


def unregister() -> None:
    bpy.utils.previews.remove(_previews)
    _versions.clear()
