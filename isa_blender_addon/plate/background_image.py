"""The movie as the camera's background image: seen while working, never rendered."""

from isa_engine.errors import SceneError

from .cameras import camera_takes
from .movie import PLATE, discard, load_movie, show_from


def import_background(scene, video, frame_numbers, name: str) -> list:
    """Put the movie behind the view of each camera of the shot; one of the same name is replaced.

    Args:
        video: path, as in ``camera_plane.import_plane``.
        frame_numbers: ``(F,)`` scene frames.

    Returns:
        The cameras' background images.

    Raises:
        SceneError: the movie cannot be read, there is no camera, or it is linked from another file; nothing
            is changed then.
    """
    cameras = list(dict.fromkeys(camera.data for camera in camera_takes(scene, frame_numbers)))
    for camera in cameras:
        if not camera.is_editable:
            remedy = "Make it local or choose the plane."
            raise SceneError(f"camera '{camera.name}' is linked from another file", remedy=remedy)
    image = load_movie(video, name)
    remove_backgrounds(scene, name)
    result = []
    for camera in cameras:
        background = camera.background_images.new()
        background.source, background.image = "IMAGE", image
        # Stretched over the frame exactly: the canvas covers the frame whatever its number of pixels.
        background.frame_method = "STRETCH"
        background.display_depth, background.alpha = "BACK", 1.0
        show_from(background.image_user, image, int(frame_numbers[0]))
        camera.show_background_images = True
        result.append(background)
    return result


def remove_backgrounds(scene, name: str) -> None:
    """Remove a plate's background images from this scene's cameras."""
    for camera in {item.data for item in scene.objects if item.type == "CAMERA"}:
        for background in list(camera.background_images):
            image = background.image
            if image is not None and image.get(PLATE) == name:
                # Removing it alone would leave the image counted as used.
                background.image = None
                camera.background_images.remove(background)
                discard(image)
