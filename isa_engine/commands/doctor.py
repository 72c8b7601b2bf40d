"""``isa-engine doctor``: whether this machine can serve, and what to do where it cannot."""

import argparse
import contextlib
import importlib.util
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from isa_engine.cost.generation import Work
from isa_engine.errors import EngineError
from isa_engine.given_path import GivenPath
from isa_engine.models import HERE, MISSING, UNTRAINED, Description, describe, names
from isa_engine.models.room import fitting, lighter_way, longest_work, seconds
from isa_engine.out_folder import check_folder

HELP = "check GPU, memory, weights, disk and port"
_PACKAGES = ("torch", "diffusers", "safetensors", "av", "PIL", "fastapi", "uvicorn", "prometheus_client")
_MEMORY_GIB, _DISK_GIB = 4, 5
# Frames of a long shot.
_LONG = 1000


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        state: "good", "note" (the engine works, with a restriction) or "bad" (it does not).
        what: was checked, and how it is.
        remedy: what to do; of what is good, what would be better.
    """

    state: str
    what: str
    remedy: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", action=GivenPath, metavar="FILE", help="as for serve")
    parser.add_argument("--port", type=int, help="as for serve")
    parser.add_argument("--data", action=GivenPath, metavar="DIR", help="as for serve")


def run(arguments: argparse.Namespace) -> None:
    """Print a line a finding.

    Raises:
        EngineError: something is bad.
    """
    from isa_engine.service.operation.configuration import read_config

    config = read_config(arguments.config, port=arguments.port, data=arguments.data)
    # Where serve keeps what goes when it stops.
    folder = Path(config.data or tempfile.gettempdir())
    findings = [*packages(), *weights(), memory(), *disk(folder), port(config.host, config.port), signing()]
    findings += queue(folder)
    if importlib.util.find_spec("torch") is not None:
        findings += device(config.devices)
    for finding in findings:
        print(f"{finding.state:4}  {finding.what}{'. ' + finding.remedy if finding.remedy else ''}")
    bad = sum(finding.state == "bad" for finding in findings)
    if bad:
        raise EngineError(f"{bad} of {len(findings)} checks failed")


def packages() -> Iterator[Finding]:
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        yield Finding("bad", f"missing: {', '.join(missing)}", "Run pip install 'isa-engine[engine]'.")
    else:
        yield Finding("good", "packages")


def weights() -> Iterator[Finding]:
    for name in names():
        state = describe(name).state
        if state == UNTRAINED:
            yield Finding("note", f"weights of {name}: none", "Its pictures show nobody until then.")
        elif state == MISSING:
            yield Finding("note", f"weights of {name}: files are missing", "Put them back, or add it again.")
        else:
            yield Finding("good", f"weights of {name}")


def fit(memory: float, device: str) -> Iterator[Finding]:
    """How each model whose weights are here lies in so many bytes of a device, and how long a take lasts."""
    for model in map(describe, names()):
        if model.state != HERE:
            continue
        work = longest_work(model)
        ways = model.ways(work, device)
        way, remedy = fitting(ways, memory), ""
        if lighter := lighter_way(model, work, device, memory):
            option, then = lighter
            remedy = f"Added with {option} it is: {then.name}, {then.bytes / 2**30:.2g} GiB."
        if way is None:
            least = min(each.bytes for each in ways) / 2**30
            remedy = remedy or "Use a larger GPU, or a smaller model."
            yield Finding("note", f"{model.name} on {device}: needs {least:.3g} GiB", remedy)
            continue
        told = f"{way.name}, {way.bytes / 2**30:.2g} GiB; {_lasting(model, work, device, memory)}"
        yield Finding("good", f"{model.name} on {device}: {told}", remedy)


def _lasting(model: Description, work: Work, device: str, memory: float) -> str:
    """How long a take lasts, and a long one, if the device has room for it."""
    told = []
    for longer in (work, replace(work, frames=_LONG)):
        if longer.frames >= work.frames and (way := fitting(model.ways(longer, device), memory)):
            minutes = sum(seconds(model, longer, device, way, {}).values()) / 60
            told.append(f"{longer.frames} about {minutes:{'.2g' if minutes < 10 else '.0f'}} minutes")
    return f"frames of {work.width} × {work.height}: {', '.join(told)}"


def disk(folder: Path) -> Iterator[Finding]:
    try:
        check_folder(folder)
    except EngineError as error:
        yield Finding("bad", f"data folder {folder}: {error.problem}", "Choose another one with --data.")
        return
    existing = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    free = shutil.disk_usage(existing).free / 2**30
    if free < _DISK_GIB:
        yield Finding(
            "bad", f"disk of {folder}: {free:.1f} GiB free", f"Free {_DISK_GIB} GiB, or use --data."
        )
    else:
        yield Finding("good", f"disk: {free:.0f} GiB free")


def queue(folder: Path) -> Iterator[Finding]:
    """How the queue in a data folder is, and why the engine that has it begins no job."""
    from isa_engine.service.files.folders import QUEUE
    from isa_engine.service.queue.store import JobStore
    from isa_engine.service.upkeep import custody

    path = folder / QUEUE
    # Not the path's own method, which raises where a name is too long.
    if not os.path.isfile(path):
        return
    try:
        if damage := custody.fault(path):
            yield Finding("bad", f"queue: damaged ({damage})", f"isa-engine queue restore --data {folder}")
            return
        with contextlib.closing(JobStore(path, create=False)) as store:
            workers = store.workers()
    except EngineError as error:
        yield Finding("bad", f"queue: {error.problem}", error.remedy)
        return
    for worker in workers:
        if worker.trouble:
            yield Finding("bad", f"worker {worker.number}: waits", worker.trouble)
    yield Finding("good", "queue")


def port(host: str, number: int) -> Finding:
    try:
        with socket.create_server((host, number), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            return Finding("good", f"port {number}")
    except (OSError, OverflowError) as error:
        return Finding("bad", f"port {number}: {error}", "Stop what listens there, or use --port.")


def signing() -> Finding:
    from isa_engine.results.provenance import configured_signer

    try:
        signer = configured_signer()
    except EngineError as error:
        return Finding("bad", f"signing: {error.problem}", error.remedy)
    return Finding("good", f"signing: {'with the configured key' if signer else 'none is configured'}")


def device(names: str) -> Iterator[Finding]:
    import torch

    if not torch.cuda.is_available():
        state = "bad" if "cuda" in names else "note"
        yield Finding(state, "GPU: none that torch can use", "Install its driver and torch for CUDA.")
        return
    for number in range(torch.cuda.device_count()):
        free, total = (size / 2**30 for size in torch.cuda.mem_get_info(number))
        name = torch.cuda.get_device_name(number)
        yield Finding("good", f"GPU {number}: {name}, {free:.0f} of {total:.0f} GiB free")
        yield from fit(free * 2**30, f"cuda:{number}")


def memory() -> Finding:
    from isa_engine.service.work.memory import machine_memory

    found = machine_memory()
    if found is None:
        return Finding("note", "memory: not known here", f"{_MEMORY_GIB} GiB should be free.")
    free = found.free / 2**30
    if free < _MEMORY_GIB:
        return Finding("bad", f"memory: {free:.1f} GiB free", "Close other programs.")
    return Finding("good", f"memory: {free:.0f} GiB free")
