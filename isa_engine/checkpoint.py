"""Weights from files: read as safetensors only, and checked tensor by tensor."""

import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from isa_engine.errors import ModelError


def read_safetensors(path: str | os.PathLike) -> dict[str, torch.Tensor]:
    """Tensors of one file, or of all ``*.safetensors`` in a folder.

    Raises:
        ModelError: there is none, or it cannot be read.
    """
    path = Path(path)
    files = sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
    if not files:
        raise ModelError("no .safetensors file is here", where=str(path))
    tensors: dict[str, torch.Tensor] = {}
    for file in files:
        try:
            tensors |= load_file(file)
        except (OSError, SafetensorError) as error:
            raise ModelError(f"cannot read the weights: {error}", where=str(file)) from error
    return tensors


def check_tensors(
    found: Mapping[str, torch.Tensor],
    wanted: Mapping[str, tuple[int, ...]],
    where: str | os.PathLike,
) -> None:
    """Raise ModelError naming the first tensor, in order of names, that is missing, surplus or misshapen."""
    for name in sorted(found.keys() | wanted.keys()):
        if name not in found:
            raise ModelError(f"tensor '{name}' is missing", where=str(where))
        if name not in wanted:
            raise ModelError(f"tensor '{name}' belongs to no part of the model", where=str(where))
        if tuple(found[name].shape) != tuple(wanted[name]):
            problem = f"tensor '{name}' is {tuple(found[name].shape)}, not {tuple(wanted[name])}"
            raise ModelError(problem, where=str(where))
