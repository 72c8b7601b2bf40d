"""Whether a scene can be read, before a frame is; and what sentences on it depend on."""

from isa_engine.errors import SceneError
from isa_engine.shot.validation import MAX_CANVAS, MAX_FRAMES, MAX_SIDE

from ... import background
from ...scene.camera import camera_at
from ...scene.characters import nobody_plays
from ...scene.picture import changed
from ...scene.timeline import frame_numbers, frame_shape, render_size
from ...settings.cast import playing, refresh_cast
from ...settings.models import model_named
from ...settings.shot import canvas, canvas_of, detail, plate_scale


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
    return _frame_too_large(scene) or (None if playing(scene) else nobody_plays(scene))


def _frame_too_large(scene) -> SceneError | None:
    """Why no plate can fill the camera's frame: it would be said when all frames are read."""
    size = render_size(scene)
    if max(size) > MAX_SIDE:
        return SceneError(
            "the render of scene '{scene}' is {width} × {height} pixels, and a side has at most {most}",
            remedy="Lower its resolution (Output ▸ Format ▸ Resolution).",
            scene=scene.name,
            width=size[0],
            height=size[1],
            most=MAX_SIDE,
        )
    painted, model = canvas(scene), model_named(scene.isa.model)
    if max(painted) <= MAX_CANVAS:
        return _plate_too_large(painted, plate_scale(scene))
    fewer = range(1, detail(scene.isa, model))
    fitting = [k for k in fewer if max(canvas_of(frame_shape(scene), model, k)) <= MAX_CANVAS]
    remedy = (
        "Keep its longer side within {ratio} times the shorter one (Output ▸ Format ▸ Resolution, Aspect)."
    )
    if fitting:
        remedy = (
            "Set Detail to {detail}, or keep its longer side within {ratio} times the shorter one (Output ▸ "
            "Format ▸ Resolution, Aspect)."
        )
    return SceneError(
        "the frame of scene '{scene}', {width} × {height} pixels, is too long and narrow: {model} would "
        "paint {across} × {up} pixels of it, and a side has at most {most}",
        remedy=remedy,
        scene=scene.name,
        width=size[0],
        height=size[1],
        model=model.name,
        across=painted[0],
        up=painted[1],
        most=MAX_CANVAS,
        ratio=MAX_CANVAS // min(painted),
        detail=max(fitting, default=1),
    )


def _plate_too_large(painted: tuple[int, int], scale: int) -> SceneError | None:
    """Why no plate can be so much larger than its canvas."""
    longest = max(painted)
    if scale * longest <= MAX_CANVAS:
        return None
    return SceneError(
        "the plate would have {width} × {height} pixels, and a side has at most {most}",
        remedy="Set Plate Scale to {scale} (Background).",
        width=scale * painted[0],
        height=scale * painted[1],
        most=MAX_CANVAS,
        scale=MAX_CANVAS // longest,
    )


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
        (render.resolution_x, render.resolution_y, render.resolution_percentage),
        (render.pixel_aspect_x, render.pixel_aspect_y),
        (camera, camera and camera.data and camera.data.type, len(scene.objects)),
        (isa.model, isa.detail, isa.plate_scale, isa.background),
        (isa.footage, isa.footage_start, isa.folder),
        cast,
    )
