"""What Blender's windows are to do after something has changed without the artist's hand."""

from collections.abc import Callable

import bpy


def redraw() -> None:
    """Have the panels and the status bar drawn again, and not the scene, which may take long."""
    for window in bpy.context.window_manager.windows:
        _redraw_status_bar(window)
        for area in window.screen.areas:
            for region in area.regions:
                if (area.type, region.type) == ("VIEW_3D", "UI"):
                    region.tag_redraw()


def _redraw_status_bar(window) -> None:
    """It is none of the screen's areas; Blender draws it where its text is set."""
    # Other operators that run may have a text of their own there.
    if all(operator.bl_idname.startswith("ISA_OT_") for operator in window.modal_operators):
        with bpy.context.temp_override(window=window):
            window.workspace.status_text_set_internal(None)


def redraw_preferences() -> None:
    """Have the preferences drawn again."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "PREFERENCES":
                area.tag_redraw()


def push_undo(message: str) -> None:
    """A step of its own in the artist's undo history for what a timer has changed."""
    in_a_window(lambda: bpy.ops.ed.undo_push(message=message))


def in_a_window(call: Callable[[], object]) -> None:
    """Call an operator where Blender has a window for it."""
    if bpy.context.window:
        # Not below: an operator lets other threads run Python, and until Python 3.12 Blender looks into the
        # override's dictionary as if they did not. A crash follows now and then.
        call()
        return
    windows = bpy.context.window_manager.windows
    if windows:
        with bpy.context.temp_override(window=windows[0]):
            call()


def look_at_plate(scene) -> None:
    """Show the plate that has come, in the largest viewport of each window that shows its scene.

    Nobody is taken away from the pose that they are working on, or from a picture that they match.
    """
    if scene.isa.view == "STAGE":
        scene.isa.view = "PLATE"
    look_through_camera(scene)


def look_through_camera(scene) -> None:
    for window in bpy.context.window_manager.windows:
        active = window.view_layer.objects.active
        areas = [area for area in window.screen.areas if area.type == "VIEW_3D"]
        if window.scene != scene or not areas or (active is not None and active.mode != "OBJECT"):
            continue
        space = max(areas, key=lambda area: area.width * area.height).spaces.active
        if not space.use_local_camera:
            space.region_3d.view_perspective = "CAMERA"
