"""The movie as the camera's background image: seen while working, never rendered."""

import bpy

from .camera_plane import planes
from .cameras import camera_segments
from .colour import DISPLAYED, set_space
from .movie import NAME, PLATE_PROPERTY, discard, hand_over, load_movie, show_from
from .parting import follows, other_scenes

# On an image: name of the scene whose plate it shows; a camera has it in all scenes. No pointer, which would
# bring the whole scene along where the camera alone is linked.
_SCENE = "isa_scene"


def import_background(scene, video, frame_numbers) -> list:
    """Put the movie behind the view of each camera of the shot that can hold it (``takes_backgrounds``).

    Where these cameras show one already, it only gets the other movie.

    Args:
        video: path, as in ``camera_plane.import_plane``.
        frame_numbers: ``(F,)`` scene frames.

    Returns:
        The cameras' background images.

    Raises:
        SceneError: the movie cannot be read, or there is no camera; nothing is changed then.
    """
    cameras = [camera for camera in _shown_through(scene, frame_numbers) if _takes(camera, scene)]
    if not cameras:
        remove_backgrounds(scene)
        return []
    image = load_movie(video)
    # Blender shows it past the view transform, as the movie has it.
    set_space(image, DISPLAYED)
    image.use_view_as_render = False
    first_frame = int(frame_numbers[0])
    image[_SCENE] = scene.name
    before = {camera: _background(camera) for camera in _cameras(scene)}
    before = {camera: background for camera, background in before.items() if background is not None}
    if before.keys() == set(cameras):
        ours = before[cameras[0]].image
        if ours in _shown_elsewhere(scene):
            # A copy of a scene has cameras of its own, and the original's image.
            ours = image
        else:
            ours[_SCENE] = scene.name
            hand_over(image, ours)
        for background in before.values():
            background.image = ours
            show_from(background.image_user, ours, first_frame)
        return [before[camera] for camera in cameras]
    remove_backgrounds(scene)
    result = []
    for camera in cameras:
        background = camera.background_images.new()
        background.source, background.image = "IMAGE", image
        # Stretched over the frame exactly: the canvas covers the frame whatever its number of pixels.
        background.frame_method = "STRETCH"
        show_from(background.image_user, image, first_frame)
        camera.show_background_images = True
        result.append(background)
    return result


def takes_backgrounds(scene, frame_numbers) -> bool:
    """Whether each camera of the shot can hold the plate's image."""
    return all(_takes(camera, scene) for camera in _shown_through(scene, frame_numbers))


def _takes(camera, scene) -> bool:
    """One that is linked from another file cannot hold an image; through one that shoots two scenes with
    plates, both would show the one that came last."""
    return camera.is_editable and other_shot(camera, scene) is None


def other_shot(camera, scene):
    """Another scene with a plate of its own before or behind the same camera, or None."""
    behind = _background(camera)
    if behind is not None and _is_anothers(behind, scene):
        return bpy.data.scenes[behind.image[_SCENE]]
    return next(
        (
            other
            for other in other_scenes(scene)
            for plane in planes(other)
            if plane.parent and plane.parent.data == camera and follows(plane, other)
        ),
        None,
    )


def _is_anothers(background, scene) -> bool:
    """Whether a camera's image shows the plate of another scene that has this camera, too, and no plane;
    where it has one, that shows the plate without the image."""
    owner = bpy.data.scenes.get(background.image.get(_SCENE, ""))
    if owner is None or owner == scene or background.id_data not in _cameras(owner):
        return False
    return not _has_own_plane(owner)


def _has_own_plane(scene) -> bool:
    return any(follows(plane, scene) for plane in planes(scene))


def _shown_through(scene, frame_numbers) -> list:
    """The data of the shot's cameras."""
    return list(dict.fromkeys(camera.data for camera in camera_segments(scene, frame_numbers)))


def remove_backgrounds(scene) -> None:
    """Remove a plate's background images from this scene's cameras."""
    for camera in _cameras(scene):
        for background in list(camera.background_images):
            image = background.image
            if (
                image is not None
                and image.get(PLATE_PROPERTY) == NAME
                and not _is_anothers(background, scene)
            ):
                # Removing it alone would leave the image counted as used.
                background.image = None
                camera.background_images.remove(background)
                discard(image)


def media(scene) -> set:
    """The images behind the cameras."""
    return {background.image for background in backgrounds(scene)}


def backgrounds(scene) -> list:
    """The background images of the scene's cameras that show a plate; another scene's where it has none of
    its own."""
    behind = (_background(camera) for camera in _cameras(scene))
    found = [background for background in behind if background is not None]
    return [each for each in found if not (_is_anothers(each, scene) and _has_own_plane(scene))]


def _shown_elsewhere(scene) -> set:
    """The images behind cameras that are none of the scene's."""
    others = {*bpy.data.cameras} - _cameras(scene)
    return {background.image for camera in others for background in camera.background_images}


def _cameras(scene) -> set:
    return {item.data for item in scene.objects if item.type == "CAMERA"}


def _background(camera):
    """The plate's background image of a camera, or None."""
    shown = (item for item in camera.background_images if item.image is not None)
    return next((item for item in shown if item.image.get(PLATE_PROPERTY) == NAME), None)
