"""A sprint at toy scale: a model of width 32, and the command as a machine runs it.

python -m tests.training.sprint.toy EXPORT_SECONDS [arguments of the command]
"""

import sys
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file

from isa_engine import configuration
from isa_engine.configuration import DiTConfig, ImageTowerConfig, ModelConfig, isa_tiny
from isa_engine.pipeline.isa.model import build_model
from isa_engine.training.sprint import held_out, loop
from isa_engine.training.sprint.__main__ import main

# Without a decoder of videos, which such a machine lacks.
MODEL = ModelConfig(
    name="micro",
    short_side=32,
    close_up=32,
    max_frames=9,
    vae=replace(isa_tiny().vae, block_out_channels=(16,)),
    dit=DiTConfig(width=32, layers=2, heads=2, points=12, image_width=32, readout="background"),
    image_tower=ImageTowerConfig(size=32, width=32, layers=1, heads=2),
)
RECIPE = """
model = "micro"
autoencoder = "{autoencoder}"
batch = 8
frames = [1, 5, 5]
sizes = ["32x32", "32x32", "48x32"]
points = 6
points_late = 12
late = 0.5
optimizer = "muon"
learning_rate = 3e-3
warm_up = 5
cool_down_share = 0.35
ema = 0.9
figure_weight = 2.0
shadow_weight = 5.0
precision = "{precision}"
ring_reuse = 15.0
"""


def write_recipe(folder: Path, precision: str = "fp32") -> Path:
    """The recipe, and the random autoencoder that it names."""
    model = build_model(MODEL, None, "cpu")
    for part in ("vae", "matte_head"):
        save_file(getattr(model, part).state_dict(), folder / f"{part}.safetensors")
    recipe = folder / "recipe.toml"
    recipe.write_text(RECIPE.format(autoencoder=folder, precision=precision))
    return recipe


if __name__ == "__main__":
    torch.set_num_threads(1)
    configuration.MODELS["micro"] = lambda: MODEL
    loop._EXPORT = float(sys.argv[1])
    held_out._CLIPS = 2
    sys.exit(main(sys.argv[2:]))
