"""What a scene's background is made of: its recipe, for the Blender that makes it."""

from collections.abc import Iterable
from pathlib import Path

import bpy

from isa_engine.shot import Shot

from ..scene.timeline import frame_shape
from .program.recipe import Recipe, library_file
from .source import footage_files, footage_numbers, hidden_objects, quick_samples


def recipe_of(scene, shot: Shot, folder: Path, metre: float) -> Recipe:
    """How the background that the scene asks for is made.

    Args:
        folder: for the movie, and for a copy of the scene's file.
        metre: metres of a unit of the scene.

    Raises:
        SceneError: the footage cannot be used.
    """
    settings = shot.settings
    size, frame = settings.plate_size, frame_shape(scene)
    out = str(folder / "background.mp4")
    if scene.isa.background == "FOOTAGE":
        numbers = footage_numbers(scene, shot.frame_numbers)
        return Recipe(out, size, frame, numbers, footage_files(scene))
    across, up = frame[0] / size[0], frame[1] / size[1]
    hidden, unseen = hidden_objects(scene)
    return Recipe(
        out,
        size,
        size,
        shot.frame_numbers.tolist(),
        [],
        blend=str(folder / "scene.blend"),
        scene=scene.name,
        hidden=_names(hidden),
        unseen=_names(unseen),
        pixel_aspect=(across / min(across, up), up / min(across, up)),
        samples=quick_samples(settings.plate_scale) if scene.isa.background_quick else 0,
        use_scripts=not bpy.app.autoexec_fail,
        needs_depth=settings.steering == "depth",
        metre=metre,
        plate_scale=settings.plate_scale,
    )


def _names(items: Iterable) -> tuple[tuple[str, str], ...]:
    return tuple((item.name, library_file(item)) for item in items)
