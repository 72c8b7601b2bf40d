"""The paper's starting point: SD3's autoencoder and image transformer, made into ours (4.1, 5.3).

What SD3 has nothing for starts at random: matte head and image tower. A training run goes on from the folder
by its ``start``.
"""

import dataclasses
import hashlib
from pathlib import Path

import torch
from torch import nn

from isa_engine.configuration import DiTConfig, ModelConfig, VAEConfig, model_config
from isa_engine.dit import ImageTower
from isa_engine.dit.sd3_adapter import inflate_sd3
from isa_engine.errors import ModelError
from isa_engine.pipeline.isa.model import build_matte_head, save_model
from isa_engine.vae.inflate import inflate_sd3_vae

_SEED = 0


def write_starting_point(name: str, vae: Path, transformer: Path, out: Path) -> None:
    """Write a weights folder of the named model from SD3's files.

    Args:
        vae, transformer: folders with ``config.json`` and ``*.safetensors``, as diffusers saves them.

    Raises:
        ModelError: there is no such model, a folder holds something else, or has other sizes than the model.
    """
    config = model_config(name)
    torch.manual_seed(_SEED)
    parts = {
        "vae": inflate_sd3_vae(vae),
        "matte_head": build_matte_head(config),
        "dit": _transformer(config, transformer),
        "image_tower": ImageTower(**dataclasses.asdict(config.image_tower)),
    }
    _check(parts["vae"], config.vae, config, vae)
    _check(parts["dit"], config.dit, config, transformer)
    card = {
        "model": name,
        "start": {part: _hashes(folder) for part, folder in (("vae", vae), ("dit", transformer))},
    }
    save_model(parts, card, out)


def _transformer(config: ModelConfig, folder: Path) -> nn.Module:
    dit = config.dit
    return inflate_sd3(folder, points=dit.points, image_width=dit.image_width, conditioning=dit.conditioning)


def _check(network: nn.Module, wanted: VAEConfig | DiTConfig, config: ModelConfig, folder: Path) -> None:
    """Refuse a network that is no part of the model."""
    for key, value in dataclasses.asdict(wanted).items():
        found = network.config[key]
        found = tuple(found) if isinstance(found, list) else found
        if found != value:
            problem = f"{key} is {found} here and {value} in '{config.name}'"
            raise ModelError(problem, where=str(folder), remedy="Name a model of these sizes with --model.")


def _hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of each file of weights."""
    found = {}
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            found[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found
