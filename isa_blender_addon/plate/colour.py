"""Colours: what the plate shows is what the view shows, whatever the scene's view transform.

Pictures go to the model as the view shows them, and come back so. What is rendered passes the view once more,
so a plate that is rendered is read through the view's inverse, and its light is divided by the exposure. Only
colours purer than the view can show at all, which no render under it holds, come out paler.
"""

from typing import Any

import bpy

# Views whose inverses Blender has as colour spaces of pictures, exact to an 8-bit step for most displays. The
# one that it has for Khronos PBR Neutral misses by 24 of 255.
_INVERTED = ("Standard", "Filmic", "AgX", "ACES 1.3", "ACES 2.0")
DISPLAYED = "sRGB"


def rendered_space(scene) -> str:
    """The colour space in which a plate comes through the scene's view unchanged; the nearest there is."""
    return _inverse(scene, scene.display_settings.display_device) or _inverse(scene, DISPLAYED) or DISPLAYED


def _inverse(scene, display: str) -> str | None:
    """The inverse of the scene's view for a display as a colour space of pictures, if Blender has it: their
    names tell."""
    view = scene.view_settings.view_transform
    if view not in _INVERTED:
        return None
    names = (display,) if view == "Standard" else (f"{view} Base {display}", f"{view} {display}")
    spaces: Any = bpy.types.ColorManagedInputColorspaceSettings.bl_rna.properties["name"]
    return next((name for name in names if name in spaces.enum_items), None)


def set_space(media, space: str) -> None:
    """Give an image or a strip its colour space; one that has it already is not read again."""
    if media.colorspace_settings.name != space:
        media.colorspace_settings.name = space


def drive_by_exposure(tree, path: str, expression: str, scene) -> None:
    """Let a node's value follow the scene's exposure, ``e`` in the expression."""
    driver = tree.driver_add(path).driver
    driver.type = "SCRIPTED"
    variable = driver.variables.new()
    variable.name = "e"
    target = variable.targets[0]
    target.id_type, target.id, target.data_path = "SCENE", scene, "view_settings.exposure"
    driver.expression = expression


def shift_of_colours(scene) -> str:
    """A sentence where the rendered plate will not look like the video; empty where it will."""
    view, display = scene.view_settings, scene.display_settings.display_device
    if _inverse(scene, display) is None:
        why = f"the view transform “{view.view_transform}” for “{display}”"
    elif view.look != "None":
        why = f"the look “{view.look}”"
    elif abs(view.gamma - 1) > 1e-4:
        why = "the view's gamma"
    elif view.use_curve_mapping:
        why = "the view's curves"
    elif getattr(view, "use_white_balance", False):
        why = "the view's white balance"
    else:
        return ""
    return f"Rendered, the plate's colors shift: {why} changes them once more."
