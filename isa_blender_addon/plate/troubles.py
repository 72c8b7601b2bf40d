"""Why a scene's plate does not look as it should, in sentences."""

from collections.abc import Iterator

from ..language.translation import said
from ..scene.hiding import left_in_sight
from . import background_image, camera_plane, people, strip
from .cameras import moved_cuts
from .colour import shift_of_colours
from .focus import blurred, focus_distance
from .parting import follows
from .shown_movies import files


def troubles(scene) -> list[str]:
    """Sentences on why the plate does not look as it should; cheap enough for drawing."""
    shown = files(scene)
    if not shown:
        return []
    missing = "The plate's file is missing: {path}."
    found = [said(missing, path=path) for path in sorted(shown) if not path.is_file()]
    if scene.render.use_multiview:
        found.append(
            "The scene renders in stereo, and the plate is the one view of the camera between the eyes."
        )
    if moved := moved_cuts(scene):
        found.append(moved)
    planes = camera_plane.planes(scene)
    over_render = bool(people.media(scene))
    found += _of_cameras(scene, planes)
    if not over_render:
        # Else the plane is not rendered.
        found += _of_focus(scene, planes)
    found += _of_colours(scene, rendered=bool(planes) or over_render)
    if over_render:
        found += _of_people(scene)
    return found


def _of_cameras(scene, planes: list) -> Iterator[str]:
    """On cameras that are gone, and on those that hold no background image."""
    loose = "The camera of the plate is gone, and its plane '{plane}' is left behind: show a take again."
    for plane in planes:
        if plane.parent is None:
            yield said(loose, plane=plane.name)
    linked = "Camera '{camera}' is linked from another file, and cannot hold the plate: its plane shows it."
    cameras = {plane.parent for plane in planes if plane.parent}
    for camera in cameras:
        if not camera.data.is_editable:
            yield said(linked, camera=camera.name)
    twice = (
        "Camera '{camera}' shoots scene '{scene}' too, and a background image would show in both: the plane "
        "alone shows the plate."
    )
    for camera in {plane.parent for plane in planes if follows(plane, scene)} & cameras:
        if other := background_image.other_shot(camera.data, scene):
            yield said(twice, camera=camera.name, scene=other.name)


def _of_focus(scene, planes: list) -> Iterator[str]:
    unsharp = (
        "Depth of field of camera “{camera}” blurs the plate: turn it off, or set the plane's Distance to "
        "{distance:.2f}."
    )
    for plane in planes:
        if blurred(scene, plane):
            yield said(unsharp, camera=plane.parent.name, distance=focus_distance(plane.parent))


def _of_colours(scene, rendered: bool) -> Iterator[str]:
    """
    Args:
        rendered: whether a render of the scene itself has the plate in it.
    """
    sequenced = strip.plate_strip(scene) is not None
    if (rendered or sequenced) and (shift := shift_of_colours(scene)):
        yield shift
    if sequenced and scene.view_settings.exposure:
        yield "In the Sequencer, the scene's exposure brightens or darkens the plate once more."


def _of_people(scene) -> Iterator[str]:
    """On people over the render, which the compositor lays there."""
    if scene.render.use_border and scene.render.use_crop_to_border:
        yield "The render is cropped to its region, and the people are of the whole frame: render it whole."
    if names := ", ".join(left_in_sight(scene)):
        twofold = (
            "{names}: linked, so the render shows the rig beside its generated self. Make a library override."
        )
        yield said(twofold, names=names)
    if not scene.render.use_compositing:
        yield "The people are not rendered: Compositing is off (Output ▸ Post Processing)."
