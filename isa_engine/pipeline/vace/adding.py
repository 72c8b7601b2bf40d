"""A folder of Wan-VACE, looked through (``pipeline.open_weights.adding.Adding``)."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from isa_engine.models.added import Added, File, Running
from isa_engine.pipeline.vace import lora, parts
from isa_engine.results.record import sha256


def recognise(folder: Path) -> None:
    parts.check_index(folder)


def examine(folder: Path, licence: str, running: Running, report: Callable[[str], None]) -> Added:
    recognise(folder)
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
