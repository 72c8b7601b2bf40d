"""Low-rank changes of a Wan transformer (LoRA, arXiv:2106.09685), merged into its weights.

Programs name the layers in several ways, which diffusers tells apart. Every tensor of a file must change a
layer of the network.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from isa_engine.errors import ModelError, reason
from isa_engine.pipeline.vace import parts

_DOWN, _UP, _BIAS = ".lora_A.weight", ".lora_B.weight", ".lora_B.bias"
_PREFIX = "transformer."


def check(path: Path, config: dict[str, Any]) -> None:
    """That every tensor of a file changes a layer of the transformer that a configuration builds.

    Raises:
        ModelError: it is not so; the first tensor that does not fit is named.
    """
    for _ in _changes(path, parts.empty("transformer", config)):
        pass


def merge(path: Path, strength: float, transformer: nn.Module) -> None:
    """Add ``strength · B A`` to each layer that a file changes, and its bias to the layer's.

    Raises:
        ModelError: as of ``check``.
    """
    for layer, down, up, bias in _changes(path, transformer):
        weight = layer.weight
        change = (up.to(weight.device, torch.float32) @ down.to(weight.device, torch.float32)) * strength
        weight.data = (weight.data.float() + change.reshape(weight.shape)).to(weight.dtype)
        if bias is not None:
            layer.bias.data += (strength * bias).to(layer.bias.data)


def _changes(path: Path, network: nn.Module) -> Iterator[tuple[nn.Module, Tensor, Tensor, Tensor | None]]:
    """Layer, A, B and the change of its bias."""
    tensors, layers = _read(path), dict(network.named_modules())
    for name in tensors:
        stem = name.removeprefix(_PREFIX).partition(".lora_")[0]
        layer, fits = layers.get(stem), name in (_PREFIX + stem + end for end in (_DOWN, _UP, _BIAS))
        if layer is None or not fits or not isinstance(layer, (nn.Linear, nn.Conv3d)):
            raise ModelError(f"tensor '{name}' changes no layer of the transformer", where=str(path))
    for stem in dict.fromkeys(name.removeprefix(_PREFIX).partition(".lora_")[0] for name in tensors):
        down, up, bias = (tensors.get(_PREFIX + stem + end) for end in (_DOWN, _UP, _BIAS))
        if down is None or up is None:
            raise ModelError(f"'{stem}' has one half of its change alone", where=str(path))
        down, up, layer = down.flatten(1), up.flatten(1), layers[stem]
        wanted = layer.weight.shape[0], layer.weight[0].numel()
        if (up.shape[0], down.shape[1]) != wanted or up.shape[1] != down.shape[0]:
            shapes = f"{tuple(up.shape)} and {tuple(down.shape)}"
            problem = f"'{stem}' is changed by {shapes} where {wanted} is needed"
            raise ModelError(problem, where=str(path))
        if bias is not None and (layer.bias is None or bias.shape != layer.bias.shape):
            raise ModelError(f"'{stem}' has no such bias", where=str(path))
        yield layer, down, up, bias


def _read(path: Path) -> dict[str, Tensor]:
    """By diffusers' names."""
    if path.suffix != ".safetensors":
        remedy = "Get its safetensors: other files can run programs."
        raise ModelError("a LoRA is a .safetensors file", where=str(path), remedy=remedy)
    parts.classes()
    from diffusers.loaders import WanLoraLoaderMixin

    try:
        found = WanLoraLoaderMixin.lora_state_dict(load_file(path))
    except (OSError, SafetensorError, ValueError, KeyError, IndexError) as error:
        raise ModelError(f"the LoRA cannot be read: {reason(error)}", where=str(path)) from error
    if not found:
        raise ModelError("the LoRA changes nothing", where=str(path))
    return found
