"""Tensors in files: written and read as safetensors only; weights are checked tensor by tensor."""

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from isa_engine.errors import ModelError, reason

T = TypeVar("T")


def read_safetensors(path: str | os.PathLike) -> dict[str, torch.Tensor]:
    """Tensors of one file, or of all ``*.safetensors`` in a folder.

    Raises:
        ModelError: there is none, or it cannot be read.
    """
    return {name: tensor for file in _files(path) for name, tensor in _read(file, load_file).items()}


def file_metadata(path: str | os.PathLike) -> dict[str, str]:
    """The metadata in the header of one file.

    Raises:
        ModelError: it cannot be read.
    """

    def metadata(file: Path) -> dict[str, str]:
        with safe_open(file, "pt") as tensors:
            return tensors.metadata() or {}

    return _read(Path(path), metadata)


def write_safetensors(
    tensors: Mapping[str, torch.Tensor], path: Path, metadata: Mapping[str, str] | None = None
) -> None:
    """Write one file, which others may read as any that is written there.

    Args:
        tensors: on the processor, contiguous.

    Raises:
        OSError, SafetensorError: it cannot be written.
    """
    # ``save_file`` leaves one that its owner alone may read, and a farm's next worker may be somebody else.
    path.touch()
    mode = stat.S_IMODE(path.stat().st_mode)
    save_file({**tensors}, path, metadata and {**metadata})
    path.chmod(mode)


def check_tensors(
    found: Mapping[str, torch.Tensor],
    wanted: Mapping[str, tuple[int, ...]],
    where: str | os.PathLike,
) -> None:
    """Raise ModelError naming the first tensor, in order of names, that is missing, surplus or misshapen.

    Args:
        wanted: shapes by name.
    """
    for name in sorted(found.keys() | wanted.keys()):
        if name not in found:
            raise ModelError(f"tensor '{name}' is missing", where=str(where))
        if name not in wanted:
            raise ModelError(f"tensor '{name}' belongs to no part of the model", where=str(where))
        shape = tuple(found[name].shape)
        if shape != tuple(wanted[name]):
            problem = f"tensor '{name}' is {shape} where {tuple(wanted[name])} is needed"
            raise ModelError(problem, where=str(where))


def _files(path: str | os.PathLike) -> list[Path]:
    path = Path(path)
    files = sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
    if not files:
        raise ModelError("no .safetensors file is here", where=str(path))
    return files


def _read(file: Path, read: Callable[[Path], dict[str, T]]) -> dict[str, T]:
    try:
        return read(file)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"cannot read the weights: {reason(error)}", where=str(file)) from error
