"""The picture on the clipboard, as a file: by Blender; under X11, which Blender cannot ask, by xclip."""

import contextlib
import shutil
import subprocess
from pathlib import Path

import bpy

from isa_engine.errors import SceneError
from isa_engine.shot.validation import PICTURE_SIGNATURES
from isa_engine.whole_file import whole_file

from ...scene.picture import save_picture

# Seconds that the program which holds the clipboard may take to give it.
_PATIENCE = 10
_XCLIP = ("xclip", "-selection", "clipboard", "-target", "image/png", "-out")


def write_clipboard(context, place: Path) -> None:
    """Write the clipboard's picture as a PNG.

    Raises:
        SceneError: there is none, or it cannot be written.
    """
    image = _pasted(context)
    if image is not None:
        try:
            save_picture(image, place)
        finally:
            bpy.data.images.remove(image)
        return
    picture = _by_xclip()
    if not picture.startswith(PICTURE_SIGNATURES):
        remedy = "Copy one first, or choose a file."
        raise SceneError("no picture is on the clipboard, or none that Blender can read", remedy=remedy)
    try:
        with whole_file(place) as partial:
            partial.write_bytes(picture)
    except OSError as error:
        problem = "'{file}' cannot be written: {reason}"
        raise SceneError(problem, file=place, reason=error.strerror) from error


def _pasted(context):
    """The clipboard as an image of the file; None where Blender can read none."""
    area = context.area
    if area is None:
        return None
    # Blender pastes into an Image Editor only, and older versions crash elsewhere.
    before, images = area.type, set(bpy.data.images)
    area.type = "IMAGE_EDITOR"
    try:
        with context.temp_override(area=area), contextlib.suppress(RuntimeError):
            bpy.ops.image.clipboard_paste()
    finally:
        area.type = before
    return next(iter(set(bpy.data.images) - images), None)


def _by_xclip() -> bytes:
    """The clipboard's picture as a PNG; empty where there is none, or no xclip."""
    if not shutil.which(_XCLIP[0]):
        return b""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(_XCLIP, capture_output=True, timeout=_PATIENCE, stdin=subprocess.DEVNULL).stdout
    return b""
