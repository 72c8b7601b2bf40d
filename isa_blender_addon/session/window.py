"""What Blender's windows are to do after a timer has changed something."""

import bpy


def redraw() -> None:
    """Have the panels drawn again, and not the scene beside them, which may take long."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            for region in area.regions:
                if (area.type, region.type) == ("VIEW_3D", "UI"):
                    region.tag_redraw()


def redraw_preferences() -> None:
    """Have the preferences drawn again."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "PREFERENCES":
                area.tag_redraw()


def push_undo(message: str) -> None:
    """A step of its own in the artist's undo history for what a timer has changed."""
    if bpy.context.window:
        # Not below: an operator lets other threads run Python, and until Python 3.12 Blender looks into the
        # override's dictionary as if they did not. A crash follows now and then.
        bpy.ops.ed.undo_push(message=message)
        return
    windows = bpy.context.window_manager.windows
    if windows:
        with bpy.context.temp_override(window=windows[0]):
            bpy.ops.ed.undo_push(message=message)
