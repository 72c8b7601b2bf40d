"""Adding a Wan-VACE folder to this machine: looked through once, whole."""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from isa_engine.errors import ModelError
from isa_engine.models.added import Added, File, Running
from isa_engine.pipeline.vace import lora, parts

_PIECE = 2**24
AS_PUBLISHED = Running()
_README = re.compile(r"\A---\n.*?^licen[sc]e: *([^\n]+)$", re.DOTALL | re.MULTILINE)


def licence_of(folder: Path) -> str:
    """The licence that a folder tells of, in its own words, and where.

    Raises:
        ModelError: it tells of none.
    """
    for path in sorted(folder.glob("LICEN[SC]E*")):
        lines = [line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
        if said := " ".join(filter(None, lines))[:80]:
            return f"{said} ({path.name})"
    readme = folder / "README.md"
    if readme.is_file() and (found := _README.match(readme.read_text(encoding="utf-8", errors="replace"))):
        return f"{found[1].strip()} (README.md)"
    remedy = "Put the model's LICENSE or README.md, as its makers publish it, into the folder."
    raise ModelError("the folder tells of no licence", where=str(folder), remedy=remedy)


def examine(
    folder: Path, licence: str, report: Callable[[str], None], running: Running = AS_PUBLISHED
) -> Added:
    """Check classes and tensors, and take the hash of every file of weights.

    Args:
        report: told each file before it is read.
        running: how it is to be run.

    Raises:
        ModelError: the folder is no Wan-VACE, or something in it or in a LoRA does not fit; it is named.
    """
    folder = folder.resolve()
    configs = parts.configs_of(folder)
    files = list(parts.weight_files(folder))
    parameters = parts.check(folder, configs)
    running = replace(running, loras={str(lora.resolve()): s for lora, s in _loras(running, configs)})
    found = {}
    for path in (*files, *map(Path, running.loras)):
        # A file elsewhere keeps its whole path, which is what joining it to any folder gives.
        name = path.relative_to(folder) if path.is_relative_to(folder) else path
        report(f"{name}, {path.stat().st_size / 2**30:.3g} GiB")
        found[name.as_posix()] = File(path.stat().st_size, sha256(path))
    return Added("vace", str(folder), licence, found, configs, parameters, running)


def _loras(running: Running, configs: dict) -> Iterator[tuple[Path, float]]:
    """The files, each looked through."""
    for path, strength in running.loras.items():
        lora.check(Path(path), configs["transformer"])
        yield Path(path), strength


def sha256(path: Path) -> str:
    """In hexadecimal, of a file of any size."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
