"""The recipes that come with the engine."""

import dataclasses
from pathlib import Path

import pytest

import isa_engine.training
from isa_engine.configuration import MODELS, model_config
from isa_engine.dit import ImageTower, ISADiT
from isa_engine.geometry.frames import extended_count
from isa_engine.training.configuration import DiTTraining, GateTraining, VAETraining, read_configuration
from isa_engine.training.dit.dit_and_tower import DiTAndTower
from isa_engine.training.sprint.outputs import LARGEST, MOST, RAW, USED, Outputs
from isa_engine.training.sprint.recipe import SprintTraining

RECIPES = Path(isa_engine.training.__file__).parent / "recipes"


@pytest.mark.parametrize("path", sorted(RECIPES.rglob("*.toml")), ids=lambda path: path.stem)
def test_a_recipe_is_of_its_folders_model_in_sizes_and_lengths_that_fit(path):
    of_sprint = path.parent.name == "sprint"
    kind = {"vae": VAETraining, "gate": GateTraining}.get(path.stem.split("-")[0], DiTTraining)
    settings = read_configuration(path, SprintTraining if of_sprint else kind)
    if of_sprint:
        assert settings.model == path.stem.removesuffix("-cpu")
    else:
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
    for folder in {path.parent for path in RECIPES.rglob("*.toml")} - {RECIPES / "sprint"}:
        gate = {"gate.toml"} if model_config(folder.name).gate else set()
        assert {"vae.toml", "dit.toml"} | gate <= {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("path", sorted((RECIPES / "sprint").iterdir()), ids=lambda path: path.stem)
def test_what_a_sprint_trains_fits_into_what_can_be_carried(path, tmp_path):
    """Weights to use and weights to go on from, with the three files that tell of the run."""
    settings = read_configuration(path, SprintTraining)
    config = model_config(settings.model)
    networks = DiTAndTower(
        ISADiT(**dataclasses.asdict(config.dit)), ImageTower(**dataclasses.asdict(config.image_tower))
    )
    outputs = Outputs(tmp_path, tmp_path)
    outputs.write({USED: networks.state_dict(), RAW: networks.state_dict()})
    outputs.wait()
    files = list(tmp_path.iterdir())
    assert len(files) + 3 <= MOST
    assert max(file.stat().st_size for file in files) <= LARGEST
