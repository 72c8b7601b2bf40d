"""Whether a scene can be read, before a frame is; and what sentences on it depend on."""

from isa_engine.errors import SceneError
from isa_engine.shot.validation import MAX_FRAMES

from ... import background
from ...scene.camera import camera_at
from ...scene.characters import nobody_plays
from ...scene.picture import changed
from ...scene.timeline import frame_numbers
from ...settings.cast import playing, refresh_cast
from ...settings.models import model_named


def make_ready(scene, send: bool) -> None:
    """Bring the cast list up to date, and look whether the scene can be read.

    Args:
        send: whether the shot is to go somewhere, with its background.

    Raises:
        SceneError: it cannot.
    """
    refresh_cast(scene)
    if problem := obstacle(scene):
        raise problem
    if send and scene.isa.background == "FOOTAGE":
        background.footage_numbers(scene, frame_numbers(scene))


def obstacle(scene) -> SceneError | None:
    """Why nothing can be generated from the scene as it is, as far as a glance tells."""
    try:
        frames = len(frame_numbers(scene))
        camera_at(scene, scene.frame_start)
        model_named(scene.isa.model)
    except SceneError as error:
        return error
    if frames > MAX_FRAMES:
        # Else it would be said when all of them are read.
        return SceneError(
            "the frame range {first}–{last} has {frames} frames, and a take {most} at most",
            remedy="Set its end to {end} or earlier, or cut it into several scenes.",
            first=scene.frame_start,
            last=scene.frame_end,
            frames=frames,
            most=MAX_FRAMES,
            end=scene.frame_start + (MAX_FRAMES - 1) * scene.frame_step,
        )
    return None if playing(scene) else nobody_plays(scene)


def staging(scene) -> object:
    """What the artist can change in answer to a sentence on the scene; cheap enough for drawing."""
    isa, render, camera = scene.isa, scene.render, scene.camera
    cast = [
        (
            m.character and m.character.name_full,
            m.shown,
            m.include,
            m.pose,
            m.frame,
            m.ghost,
            changed(m.picture),
        )
        for m in isa.cast
    ]
    return (
        (scene.frame_start, scene.frame_end, scene.frame_step, render.fps, render.fps_base),
        (render.resolution_x, render.resolution_y, render.pixel_aspect_x, render.pixel_aspect_y),
        (camera, camera and camera.data and camera.data.type, len(scene.objects)),
        (isa.model, isa.background, isa.footage, isa.footage_start, isa.folder),
        cast,
    )
