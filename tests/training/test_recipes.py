"""The recipes that come with the engine."""

from pathlib import Path

import pytest

import isa_engine.training
from isa_engine.configuration import MODELS, model_config
from isa_engine.geometry.frames import extended_count
from isa_engine.training.configuration import DiTTraining, GateTraining, VAETraining, read_configuration

RECIPES = Path(isa_engine.training.__file__).parent / "recipes"


@pytest.mark.parametrize("path", sorted(RECIPES.rglob("*.toml")), ids=lambda path: path.stem)
def test_a_recipe_is_of_its_folders_model_in_sizes_and_lengths_that_fit(path):
    kind = {"vae": VAETraining, "gate": GateTraining}.get(path.stem.split("-")[0], DiTTraining)
    settings = read_configuration(path, kind)
    assert path.parent.name in MODELS
    assert settings.model.startswith(path.parent.name)
    config = model_config(settings.model)
    canvases = (
        [config.canvas(size) for size in settings.sizes]
        if kind is not VAETraining
        else [(settings.width, settings.height)]
    )
    side = config.vae.spatial_compression if kind is VAETraining else config.multiple
    assert all(width % side == height % side == 0 for width, height in canvases)
    assert all(frames == extended_count(frames) <= config.max_frames for frames in settings.frames)


def test_a_whole_recipe_lies_together():
    for folder in {path.parent for path in RECIPES.rglob("*.toml")}:
        gate = {"gate.toml"} if model_config(folder.name).gate else set()
        assert {"vae.toml", "dit.toml"} | gate <= {path.name for path in folder.iterdir()}
