"""By what a background that was made before is found: a digest of all that is known to change it."""

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path

import bpy
import numpy as np

from isa_engine.shot import Character, Shot

from ..preferences.folders import backgrounds_folder
from .program.recipe import Recipe, depth_beside
from .set_digest import set_digest
from .source import hidden_objects


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


def _motion(character: Character) -> str:
    """SHA-256 of where a character is and whether it is shown, over all frames."""
    return hashlib.sha256(character.points.tobytes() + character.visible.tobytes()).hexdigest()
