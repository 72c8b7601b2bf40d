"""What stands behind the people: nothing, footage, or the scene without them and with their shadows."""

import re
from pathlib import Path

import bpy
import numpy as np

from isa_engine.errors import SceneError

from ..plate.camera_plane import plate_collection
from ..scene.belongings import belongings

# Samples of Cycles for a pixel of the canvas, for the quick render, and the fewest for one of the plate; the
# denoiser leaves little of their noise.
_QUICK_SAMPLES, _FEWEST_SAMPLES = 16, 4
# Engines that can leave an object out of the camera's sight alone.
_CAMERA_RAYS = {"CYCLES", "BLENDER_EEVEE", "BLENDER_EEVEE_NEXT"}
_NUMBERED = re.compile(r"(\d+)(?=\.[^.]*$)")


def footage_files(scene) -> list[str]:
    """The footage: one movie, or the numbered pictures of a sequence from its first file on.

    Raises:
        SceneError: none is chosen, it is missing, or it is of another kind.
    """
    image = scene.isa.footage
    if image is None:
        raise SceneError("no footage is chosen for the background", remedy="Open it under Background.")
    first = Path(bpy.path.abspath(image.filepath, library=image.library))
    if image.source not in ("MOVIE", "SEQUENCE", "FILE") or image.packed_file is not None:
        problem = "the footage '{name}' is no movie and no picture file"
        raise SceneError(problem, remedy="Save it to disk, or choose another.", name=image.name)
    if not first.is_file():
        raise SceneError(
            "the footage is missing", where=str(first), remedy="Choose it again under Background."
        )
    return [str(path) for path in _sequence(first)] if image.source == "SEQUENCE" else [str(first)]


def footage_numbers(scene, frame_numbers: np.ndarray) -> list[int]:
    """Which frames of the footage the shot shows, the first being 0; a single picture lasts.

    Args:
        frame_numbers: ``(F,)`` scene frames.

    Raises:
        SceneError: as ``footage_files``, or the footage does not last.
    """
    there = footage_range(scene)
    if there is None:
        return list(range(len(frame_numbers)))
    first, last = int(frame_numbers[0]), int(frame_numbers[-1])
    if first not in there or last not in there:
        raise SceneError(
            "the footage lasts from frame {start} to {end}, the shot from {first} to {last}",
            where="{file}",
            remedy="Move its start under Background, or shorten the frame range.",
            file=footage_files(scene)[0],
            start=there[0],
            end=there[-1],
            first=first,
            last=last,
        )
    return [int(number) - there.start for number in frame_numbers]


def footage_range(scene) -> range | None:
    """The scene's frames that the footage shows; None of a single picture, which lasts.

    Raises:
        SceneError: as ``footage_files``.
    """
    files, image, start = footage_files(scene), scene.isa.footage, scene.isa.footage_start
    if image.source == "FILE":
        return None
    return range(start, start + (image.frame_duration if image.source == "MOVIE" else len(files)))


def hidden_objects(scene) -> tuple[list, list]:
    """What the background does not show.

    Returns:
        What leaves no trace: plates. And what the camera does not see while its shadows and reflections stay:
        the cast with all they wear and hold; where the artist wants no shadows, or the renderer cannot do
        that, they leave no trace either.
    """
    collection = plate_collection(scene)
    hidden = set(collection.all_objects if collection else ())
    unseen = set(belongings(scene)) - hidden
    engine = "CYCLES" if scene.isa.background_quick else scene.render.engine
    if not scene.isa.background_shadows or engine not in _CAMERA_RAYS:
        hidden, unseen = hidden | unseen, set()
    return tuple([item for item in scene.objects if item in chosen] for chosen in (hidden, unseen))


def quick_samples(plate_scale: int) -> int:
    """Of Cycles for a pixel of the plate, as of ``Settings.plate_scale``: together as many for a pixel of the
    canvas, unless that is too few for the denoiser."""
    return max(_QUICK_SAMPLES // plate_scale**2, _FEWEST_SAMPLES)


def _sequence(first: Path) -> list[Path]:
    """The files numbered on from this one without a gap."""
    match = _NUMBERED.search(first.name)
    if match is None:
        return [first]
    digits, files = match[1], []
    path = first
    while path.is_file():
        files.append(path)
        number = str(int(digits) + len(files)).zfill(len(digits))
        path = first.with_name(first.name[: match.start()] + number + first.name[match.end() :])
    return files
