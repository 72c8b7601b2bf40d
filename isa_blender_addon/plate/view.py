"""What the view through the camera shows: the stage, the plate before it, or both; renders are as they are.

The camera's background image is drawn in all shadings, Solid too, and before the stage it covers rigs, bones
and all; the plane is seen in Material Preview and Rendered alone.
"""

from .background_image import backgrounds
from .camera_plane import plate_collection


def show_in_view(scene, view: str, opacity: float) -> None:
    """
    Args:
        view: "STAGE", "PLATE" or "BOTH".
        opacity: of the plate over the stage, where both are shown.
    """
    for background in backgrounds(scene):
        background.show_background_image = view != "STAGE"
        background.display_depth = "FRONT"
        background.alpha = opacity if view == "BOTH" else 1.0
    collection = plate_collection(scene)
    if collection is not None:
        # It hides all that is behind it.
        collection.hide_viewport = view != "PLATE"
