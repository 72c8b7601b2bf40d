"""How a shot's background is made, and by what one that was made before is found."""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import bpy
import numpy as np

from isa_engine.shot import Character, Shot

from ..preferences.folders import backgrounds_folder
from ..scene.timeline import frame_shape
from .make import Recipe, depth_beside, library_file
from .set_digest import set_digest
from .source import QUICK_SAMPLES, footage_files, footage_numbers, hidden_objects


def recipe_of(scene, shot: Shot, folder: Path, metre: float) -> Recipe:
    """How the background that the scene asks for is made.

    Args:
        folder: for the movie, and for a copy of the scene's file.
        metre: metres of a unit of the scene.

    Raises:
        SceneError: the footage cannot be used.
    """
    settings = shot.settings
    size, frame = (settings.width, settings.height), frame_shape(scene)
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
        samples=QUICK_SAMPLES if scene.isa.background_quick else 0,
        use_scripts=not bpy.app.autoexec_fail,
        needs_depth=settings.steering == "depth",
        metre=metre,
    )


def kept_file(scene, shot: Shot, recipe: Recipe) -> Path:
    """Where the movie of this recipe is kept: a file named by a digest of all that is known to change it."""
    # Who is not there is told by the set that is: a plate that has come since is no part of it.
    told = {**asdict(recipe), "out": "", "blend": bpy.data.filepath}
    # Depth comes along whether it is needed or not.
    del told["needs_depth"]
    told["hidden"], told["unseen"] = (), bool(recipe.unseen)
    told["changed"] = [os.stat(file).st_mtime_ns for file in recipe.files]
    if recipe.blend:
        gone = {item for items in hidden_objects(scene) for item in items}
        told["version"], told["set"] = scene.isa.background_version, set_digest(scene, gone)
        if recipe.unseen:
            told["cast"] = [_motion(character) for character in shot.characters]
        told["cameras"] = [*shot.camera_to_world.ravel().tolist(), *shot.intrinsics.ravel().tolist()]
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    return backgrounds_folder() / f"{digest.hexdigest()[:32]}.mp4"


def made_before(kept: Path, recipe: Recipe) -> bool:
    """Whether what the recipe makes is there, whole, with its depth where that is needed."""
    if not recipe.blend or not kept.is_file():
        return kept.is_file()
    depth = depth_beside(kept)
    return depth.is_file() and (not recipe.needs_depth or len(np.load(depth, mmap_mode="r")) > 0)


def _names(items: Iterable) -> tuple[tuple[str, str], ...]:
    return tuple((item.name, library_file(item)) for item in items)


def _motion(character: Character) -> str:
    """SHA-256 of where a character is and whether it is shown, over all frames."""
    return hashlib.sha256(character.points.tobytes() + character.visible.tobytes()).hexdigest()
