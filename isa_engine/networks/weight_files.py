"""A network's weights on disk, in files of limited size and numbers of 32, 16 or 8 bits.

Weights are one safetensors file. If that would be larger than a file may be, this file, the head, names
others beside it in its header, each by a hash of its content. The head is replaced last: a reader finds
either the old weights or the new ones, and all of them, wherever the writer was interrupted.

A matrix in 8 bits is int8 with a float32 scale a row: ``w ≈ scale · q``, at most half a scale off.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor, nn

from isa_engine.errors import ModelError
from isa_engine.networks.tensors import check_tensors, file_metadata, read_safetensors
from isa_engine.whole_file import whole_file

_REST = "rest"
_SCALE = "@scale"
_LEVELS = 127


def read_weights(path: Path) -> dict[str, Tensor]:
    """Every tensor of the weights whose head lies at ``path``; matrices of 8 bits as float32.

    Raises:
        ModelError: a file is missing or cannot be read, or a matrix of 8 bits lacks its scales; it is named.
    """
    stored: dict[str, Tensor] = {}
    for file in weight_files(path):
        stored |= read_safetensors(file)
    scales = {name: stored.pop(name) for name in [*stored] if name.endswith(_SCALE)}
    for scale_name, scale in scales.items():
        name = scale_name.removesuffix(_SCALE)
        if name not in stored or scale.shape != stored[name].shape[:1]:
            raise ModelError(f"'{scale_name}' fits no matrix", where=str(path))
        stored[name] = (stored[name].flatten(1) * scale[:, None]).view(stored[name].shape)
    return stored


def weight_files(path: Path) -> list[Path]:
    """The head at ``path``, and the files that it names.

    Raises:
        ModelError: one is missing, or the head cannot be read; it is named.
    """
    header = file_metadata(path).get(_REST, "")
    # Names come from outside, and must not lead out of the folder.
    names = header.split()
    if not all(_is_rest(path, name) for name in names):
        raise ModelError(f"the header names other files than its own: {header!r}", where=str(path))
    files = [path.with_name(name) for name in names]
    for file in files:
        if not file.exists():
            raise ModelError(
                f"'{file.name}', a part of these weights, is missing",
                where=str(path),
                remedy=f"Copy it beside {path.name}.",
            )
    return [path, *files]


def write_weights(
    tensors: Mapping[str, Tensor], path: Path, bits: int = 32, largest: int | None = None
) -> None:
    """Write weights whole or not at all, in place of those at ``path``.

    Args:
        bits: of a number: 32 leaves all as it is; 16 is float16; with 8, matrices and kernels take 8, and all
            else 16. Integers stay.
        largest: the most bytes that a file may have; None: any number.

    Raises:
        ModelError: a value is not finite in so many bits, or a tensor alone is larger than a file may be; it
            is named, and the weights at ``path`` stay.
    """
    stored = {}
    for name, tensor in tensors.items():
        stored |= _stored(name, tensor.detach().cpu(), bits)
    head, *rest = [stored] if largest is None else _split(stored, largest, path)
    names = []
    for part in rest:
        content = save(part)
        names.append(f"{path.stem}-{hashlib.sha256(content).hexdigest()[:12]}{path.suffix}")
        _replace(path.with_name(names[-1]), content)
    _replace(path, save(head, {_REST: " ".join(names)} if names else None))
    for file in path.parent.glob(f"{path.stem}-*{path.suffix}"):
        if _is_rest(path, file.name) and file.name not in names:
            file.unlink()


def load_weights(network: nn.Module, path: Path, fresh: tuple[str, ...] = ()) -> None:
    """Load every tensor of the weights whose head lies at ``path`` into a network that has exactly these.

    Args:
        fresh: top-level modules that need not fit: one that the weights lack stays as it is, and one that the
            network lacks is skipped.

    Raises:
        ModelError: a file cannot be read, or a tensor is missing, surplus or misshapen; it is named.
    """
    own = network.state_dict()
    spared = {name: tensor for name, tensor in own.items() if name.split(".")[0] in fresh}
    tensors = {
        name: tensor
        for name, tensor in read_weights(path).items()
        if name in own or name.split(".")[0] not in fresh
    }
    check_tensors(spared | tensors, {name: tuple(tensor.shape) for name, tensor in own.items()}, path)
    network.load_state_dict(spared | tensors)


def _stored(name: str, tensor: Tensor, bits: int) -> dict[str, Tensor]:
    """A tensor as it is written, by name; of 8 bits with its scales."""
    if not tensor.is_floating_point() or bits == 32:
        made = {name: tensor.contiguous()}
    elif bits == 8 and tensor.ndim > 1:
        rows = tensor.float().flatten(1)
        # A row of zeros would have the scale 0, and 0 / 0 is not a number.
        scale = (rows.abs().amax(1) / _LEVELS).clamp_min(torch.finfo(torch.float32).tiny)
        levels = (rows / scale[:, None]).round().to(torch.int8)
        made = {name: levels.view(tensor.shape), name + _SCALE: scale}
    else:
        made = {name: tensor.to(torch.float16).contiguous()}
    if not all(value.isfinite().all() for value in made.values()):
        raise ModelError(f"a value of '{name}' is not finite in {bits} bits")
    return made


def _split(tensors: Mapping[str, Tensor], largest: int, path: Path) -> list[dict[str, Tensor]]:
    """The tensors of each file, in order; each with room for a header that names all the others."""
    named = 0
    while True:
        # Each file may be the head, which needs 64 bytes for its header's length, braces and alignment, and
        # some for the name of each other file. How many there will be is not known, so it is tried.
        room = largest - 64 - named * (len(path.name) + 14)
        files, left = [{}], room
        for name, tensor in tensors.items():
            size = tensor.nbytes + len(json.dumps(name)) + 96 + 21 * tensor.ndim
            if size > room:
                raise ModelError(
                    f"'{name}' alone takes more than the {largest} bytes of a file",
                    where=str(path),
                    remedy="Allow larger files, or fewer bits.",
                )
            if size > left:
                files.append({})
                left = room
            files[-1][name] = tensor
            left -= size
        if len(files) - 1 <= named:
            return files
        named = len(files) - 1


def _is_rest(head: Path, name: str) -> bool:
    """Whether a file's name is that of a part of these weights."""
    return bool(re.fullmatch(rf"{re.escape(head.stem)}-[0-9a-f]{{12}}{re.escape(head.suffix)}", name))


def _replace(path: Path, content: bytes) -> None:
    with whole_file(path) as partial:
        partial.write_bytes(content)
