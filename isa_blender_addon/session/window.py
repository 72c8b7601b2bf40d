"""What Blender's windows are to do after something has changed without the artist's hand."""

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
