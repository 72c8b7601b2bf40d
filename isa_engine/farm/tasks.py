"""The tasks of a bundle: denoise a take, decode a span, join a take.

The first two leave one file each, whole or not at all, and do nothing if it is there already.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from isa_engine.errors import EngineError, reason
from isa_engine.farm.job import Bundle
from isa_engine.networks.tensors import write_safetensors
from isa_engine.pipeline.generation import (
    Clock,
    control_hashes,
    denoise,
    memory_of,
    results_in,
    write_results,
)
from isa_engine.pipeline.matte import projected_matte
from isa_engine.pipeline.painter import Loaded, painter_of
from isa_engine.pipeline.progress import Report
from isa_engine.results.files import cannot_write
from isa_engine.results.record import GENERATED, make_record
from isa_engine.shot import Shot, read_shot
from isa_engine.whole_file import whole_file


@dataclass
class _Steps:
    path: Path

    def saved(self, step: int) -> None:
        """Nobody need be told."""


def denoise_take(bundle: Bundle, number: int, model: Loaded, report: Report) -> bool:
    """Make a take's latents and its record; a task that broke off goes on from its last step.

    Args:
        number: of the take.

    Returns:
        whether there was anything to do.

    Raises:
        IsaError: there is no take of that number, the shot cannot be read, the device has too little memory,
            or the file cannot be written.
    """
    _check_number(number, bundle.job.takes, "take")
    take = bundle.job.takes[number]
    path = bundle.latents(take)
    if path.is_file() and _record(path)["model"]["weights"] == model.weights:
        return False
    shot = read_shot(bundle.shot(take))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(path.parent, error) from error
    clock, steps = Clock(), _Steps(bundle.steps(take))
    with memory_of(model):
        controls = control_hashes(shot, model, report)
        latents = denoise(shot, take.sha256, model, report, steps, clock)
    # Spans of an earlier run, whose latents were made with other weights, would be joined to this take.
    for span in path.parent.glob("span-*"):
        span.unlink()
    record = {**make_record(shot, take.sha256, model, controls), "seconds": clock.seconds}
    _save(path, {"latents": latents}, {"record": json.dumps(record)})
    steps.path.unlink(missing_ok=True)
    return True


def decode_span(bundle: Bundle, number: int, model: Loaded, report: Report) -> bool:
    """Make a span's frames, and its matte if the model generates one.

    Args:
        number: of the span.

    Returns and raises as ``denoise_take``; EngineError where the take was denoised with other weights.
    """
    _check_number(number, bundle.job.spans, "span")
    of, *span = bundle.job.spans[number]
    take = bundle.job.takes[of]
    path, source = bundle.span(take, *span), bundle.latents(take)
    if path.is_file():
        return False
    weights = _record(source)["model"]["weights"]
    if weights != model.weights:
        problem = f"take '{take.name}' was denoised with other weights ({weights[:12]}) than this worker has"
        raise EngineError(problem, remedy="Install the same weights on all workers.")
    shot = read_shot(bundle.shot(take))
    latents = _tensor(source, "latents").to(model.device)
    with memory_of(model):
        plate, matte = painter_of(model).frames(latents, model, shot, tuple(span), report)
        frames = {"plate": _stack(plate)}
        if matte is not None:
            # Grey: its channels are alike.
            frames["matte"] = _stack(frame[..., :1] for frame in matte)
    _save(path, frames, {})
    return True


def assemble_take(bundle: Bundle, number: int, report: Report) -> bool:
    """Join a take's spans to its results. Returns and raises as ``denoise_take``."""
    _check_number(number, bundle.job.takes, "take")
    take = bundle.job.takes[number]
    shot = read_shot(bundle.shot(take))
    record = _record(bundle.latents(take))
    with results_in(bundle.results(take)) as parts:
        parts.shot.write_bytes(bundle.shot(take).read_bytes())
        plate = _frames(bundle, number, "plate")
        latents = _tensor(bundle.latents(take), "latents")[0].numpy()
        matte = _matte(bundle, number, shot, record)
        write_results(parts, shot, record, latents, plate, matte, report)
    return True


def _check_number(number: int, tasks: Sequence, what: str) -> None:
    if not 0 <= number < len(tasks):
        remedy = f"The bundle's are numbered from 0 to {len(tasks) - 1}."
        raise EngineError(f"there is no {what} {number}", remedy=remedy)


def _matte(bundle: Bundle, number: int, shot: Shot, record: dict[str, Any]) -> Iterator[np.ndarray]:
    if record["matte"] == GENERATED:
        return _frames(bundle, number, "matte")
    return projected_matte(shot, (shot.settings.width, shot.settings.height))


def _frames(bundle: Bundle, number: int, name: str) -> Iterator[np.ndarray]:
    take = bundle.job.takes[number]
    for of, *span in bundle.job.spans:
        if of == number:
            for frame in _tensor(bundle.span(take, *span), name).numpy():
                yield np.broadcast_to(frame, (*frame.shape[:2], 3))


def _stack(frames: Iterator[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(list(frames)))


def _record(path: Path) -> dict[str, Any]:
    with _opened(path) as file:
        return json.loads(file.metadata()["record"])


def _tensor(path: Path, name: str) -> Tensor:
    with _opened(path) as file:
        return file.get_tensor(name)


def _opened(path: Path):
    try:
        return safe_open(path, "pt")
    except (OSError, SafetensorError) as error:
        remedy = "Run the step before again."
        raise EngineError(
            f"cannot read what the step before left: {reason(error)}", where=str(path), remedy=remedy
        ) from error


def _save(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    stored = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    try:
        with whole_file(path, shared=True) as partial:
            write_safetensors(stored, partial, metadata)
    except SafetensorError as error:
        raise EngineError(f"cannot write: {reason(error)}", where=str(path)) from error
    except OSError as error:
        raise cannot_write(path, error) from error
