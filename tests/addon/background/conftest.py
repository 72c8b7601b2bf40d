"""A scene to make backgrounds of, and a renderer that is done at once."""

import bpy
import numpy as np
import pytest

from isa_blender_addon.settings.cast import refresh_cast
from tests.addon.background.making import shine
from tests.addon.scenes.cast import stage


@pytest.fixture
def staged(scene, tmp_path, monkeypatch):
    """Anna shines red before a wall that a moving camera passes; cache and temporary files are ours."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    anna = stage(scene, frames=5)
    scene.frame_step = 2
    scene.view_settings.view_transform = "AgX"
    scene.render.resolution_x, scene.render.resolution_y = 96, 64
    (body,) = anna.children
    shine(body, (1, 0, 0))
    for index, colour in enumerate(np.random.default_rng(0).uniform(0.1, 0.6, (12, 3))):
        bpy.ops.mesh.primitive_plane_add(
            size=1.5,
            location=((index % 4 - 1.5) * 1.5, 2, (index // 4 - 1) * 1.5),
            rotation=(np.pi / 2, 0, 0),
        )
        shine(bpy.context.object, colour)
    refresh_cast(scene)
    return scene


@pytest.fixture
def started(monkeypatch) -> list:
    """The recipes of all backgrounds that are begun, each of which is there at once."""
    recipes = []

    def start(making, recipe):
        # Instead of minutes of rendering.
        recipes.append(recipe)
        making._kept.parent.mkdir(parents=True, exist_ok=True)
        making._kept.write_bytes(b"movie")
        if recipe.blend:
            np.save(making._kept.with_suffix(".npy"), np.ones((1, 32, 48), np.float16))

    monkeypatch.setattr("isa_blender_addon.background.making.Making._start", start)
    return recipes
