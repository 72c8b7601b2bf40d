"""File browsers that open with thumbnails, whatever the artist's last one showed."""

from bpy.props import BoolProperty, EnumProperty


class ShowsThumbnails:
    """Of an operator that asks for pictures or movies, among folders; which, it says itself."""

    filter_folder: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    # The file browser's own number of it.
    display_type: EnumProperty(items=[("THUMBNAIL", "Thumbnails", "", 3)], options={"HIDDEN", "SKIP_SAVE"})
