"""The parts of a Wan-VACE folder: which classes are allowed, and that every tensor is there in its shape.

Nothing of a folder is run: classes are a library's, by name, weights are safetensors, a tokenizer is data.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from isa_engine.errors import ModelError, reason
from isa_engine.networks.torchvision_operators import declare_missing

INDEX = "model_index.json"
PIPELINE = "WanVACEPipeline"
# By the folder's own names; others, such as the scheduler, are not read.
CLASSES = {
    "transformer": "WanVACETransformer3DModel",
    "vae": "AutoencoderKLWan",
    "text_encoder": "UMT5EncoderModel",
}
TOKENIZER = "tokenizer"
# UMT5's two names for one matrix; files have either.
_TIED = "encoder.embed_tokens.weight", "shared.weight"
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_REMEDY = "Choose the folder of a Wan2.1-VACE model in diffusers' format."


def check_index(folder: Path) -> None:
    """
    Raises:
        ModelError: the folder is another model's, by its index.
    """
    index = _json(folder / INDEX)
    if index.get("_class_name") != PIPELINE:
        problem = f"this is a {index.get('_class_name')!r}, not a {PIPELINE}"
        raise ModelError(problem, where=str(folder / INDEX), remedy=_REMEDY)


def configs_of(folder: Path) -> dict[str, dict[str, Any]]:
    """What each part says of itself.

    Raises:
        ModelError: a class is not one of ours, or the tokenizer is missing.
    """
    configs = {}
    for part, wanted in CLASSES.items():
        configs[part] = _json(folder / part / "config.json")
        found = configs[part].get("_class_name") or (configs[part].get("architectures") or [None])[0]
        if found != wanted:
            raise ModelError(
                f"the class is {found!r}, not {wanted}", where=str(folder / part / "config.json")
            )
    if not (folder / TOKENIZER / "tokenizer.json").is_file():
        raise ModelError("the tokenizer is missing", where=str(folder / TOKENIZER / "tokenizer.json"))
    return configs


def weight_files(folder: Path) -> Iterator[Path]:
    """The safetensors of all parts.

    Raises:
        ModelError: a part has none.
    """
    for part in CLASSES:
        files = sorted((folder / part).glob("*.safetensors"))
        if not files:
            pickled = [path.name for path in (folder / part).glob("*") if path.suffix in _PICKLES]
            problem = (
                f"the weights are pickled, as '{pickled[0]}'" if pickled else "no .safetensors file is here"
            )
            remedy = "Get the safetensors of the same model: pickled files can run programs."
            raise ModelError(problem, where=str(folder / part), remedy=remedy if pickled else _REMEDY)
        yield from files


def check(folder: Path, configs: dict[str, dict[str, Any]]) -> dict[str, int]:
    """Every tensor against the network that its part's configuration builds, on the meta device; part → how
    many numbers its weights are.

    Raises:
        ModelError: names the first tensor that is missing, surplus or misshapen.
    """
    counts = {}
    for part in CLASSES:
        found = {}
        for file in sorted((folder / part).glob("*.safetensors")):
            try:
                with safe_open(file, "pt") as tensors:
                    found |= {name: tuple(tensors.get_slice(name).get_shape()) for name in tensors.keys()}  # noqa: SIM118
            except (OSError, SafetensorError) as error:
                raise ModelError(f"cannot read the weights: {reason(error)}", where=str(file)) from error
        network = empty(part, configs[part])
        wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
        if part == "text_encoder":
            found, wanted = ({_one_name(name): shape for name, shape in of.items()} for of in (found, wanted))
        for name in sorted(found.keys() | wanted.keys()):
            where = str(folder / part)
            if name not in found:
                raise ModelError(f"tensor '{name}' is missing", where=where)
            if name not in wanted:
                raise ModelError(f"tensor '{name}' belongs to no part of the model", where=where)
            if found[name] != wanted[name]:
                problem = f"tensor '{name}' is {found[name]} where {wanted[name]} is needed"
                raise ModelError(problem, where=where)
        counts[part] = sum(math.prod(shape) for shape in found.values())
    return counts


def classes() -> dict[str, type]:
    """The networks' classes, by part.

    Raises:
        ModelError: a package is missing.
    """
    declare_missing()
    try:
        from diffusers import AutoencoderKLWan, WanVACETransformer3DModel
        from transformers import UMT5EncoderModel
    except ImportError as error:
        remedy = "Run pip install 'isa-engine[open-models]'."
        raise ModelError(
            f"this model needs a package that is not installed: {error}", remedy=remedy
        ) from error
    return {
        "transformer": WanVACETransformer3DModel,
        "vae": AutoencoderKLWan,
        "text_encoder": UMT5EncoderModel,
    }


def empty(part: str, config: dict[str, Any]) -> torch.nn.Module:
    """The network that a part's configuration builds, without its weights."""
    made = classes()[part]
    with torch.device("meta"):
        try:
            network = (
                made(made.config_class(**config)) if part == "text_encoder" else made.from_config(config)
            )
        except (TypeError, ValueError, ZeroDivisionError, KeyError, AttributeError) as error:
            raise ModelError(f"the configuration makes no network: {error}", where=part) from error
    return network


def _one_name(name: str) -> str:
    return _TIED[1] if name == _TIED[0] else name


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"the file cannot be read: {reason(error)}", where=str(path), remedy=_REMEDY
        ) from error
    if not isinstance(content, dict):
        raise ModelError("the file is no table", where=str(path), remedy=_REMEDY)
    return content
