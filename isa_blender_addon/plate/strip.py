"""The movie as a strip of the scene's Sequencer, on the frames of the shot."""

from pathlib import Path

from .colour import rendered_space, set_space
from .movie import NAME, PLATE_PROPERTY, blend_relative, read_movie

_SIZE = "isa_size"
# Marks a strip for which the Sequencer was kept out of renders, so that it comes back with the strip's end.
_KEPT_OUT = "isa_kept_out"


def import_strip(scene, video, frame_numbers):
    """Put the movie above the other strips of the shot's frames.

    A strip that is there only gets the other movie; its trimming and effects stay. A Sequencer that was
    empty does not begin to render in the scene's stead.

    Args:
        video: path, as in ``camera_plane.import_plane``.
        frame_numbers: ``(F,)`` scene frames.

    Returns:
        The strip.

    Raises:
        SceneError: the movie cannot be read; nothing is changed then.
    """
    movie, path = read_movie(video), blend_relative(Path(video).resolve())
    first = int(frame_numbers[0])
    strip = plate_strip(scene)
    if strip is None:
        strip = _new(scene, path, first, movie.frames)
    else:
        before, (width, height) = strip.frame_duration, strip[_SIZE]
        strip.filepath, strip.frame_start = path, first
        if movie.frames != before:
            strip.frame_final_duration = max(strip.frame_final_duration + movie.frames - before, 1)
        strip.transform.scale_x *= width / movie.size[0]
        strip.transform.scale_y *= height / movie.size[1]
    strip[_SIZE] = movie.size
    fit_strip(scene)
    return strip


def plate_strip(scene):
    """The plate's strip, or None."""
    return next((strip for strip in _strips(scene) if strip.get(PLATE_PROPERTY) == NAME), None)


def fit_strip(scene) -> None:
    """Read the movie for the scene's view transform."""
    if (strip := plate_strip(scene)) is not None:
        set_space(strip, rendered_space(scene))


def remove_strip(scene) -> None:
    if (strip := plate_strip(scene)) is not None:
        if strip.get(_KEPT_OUT):
            scene.render.use_sequencer = True
        _strips(scene).remove(strip)


def _strips(scene):
    editor = scene.sequence_editor
    if editor is None:
        return ()
    # Blender 4.4 renamed them.
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def _new(scene, path: str, first: int, frames: int):
    if scene.sequence_editor is None:
        scene.sequence_editor_create()
    strips = _strips(scene)
    others = [s for s in strips if s.frame_final_start < first + frames and s.frame_final_end > first]
    alone = not len(strips)
    channel = max((strip.channel for strip in others), default=0) + 1
    strip = strips.new_movie(NAME, path, channel, first, fit_method="STRETCH")
    strip[PLATE_PROPERTY] = NAME
    if alone and scene.render.use_sequencer:
        scene.render.use_sequencer, strip[_KEPT_OUT] = False, True
    return strip
