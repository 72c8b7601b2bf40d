"""What a node of a cluster does for a job: denoise a take, decode a span. Nothing here knows of Ray."""

import contextlib
import dataclasses
import hashlib
import io
import logging
import queue
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from isa_engine.errors import Cancelled, EngineError
from isa_engine.pipeline.progress import Progress, Report
from isa_engine.shot import read_shot

_POLL_SECONDS = 0.1
# Whoever works for a job says as often as this that it lives.
BEAT_SECONDS = 5

# From a model's name to a context in which others get ready to share a take; and from its weights to them,
# once they are (``pipeline.spread.nodes.companions``).
Companions = Callable[[str], contextlib.AbstractContextManager[Callable[[str], tuple]]]
Say = Callable[[dict[str, Any]], None]


def denoise(
    encoded: bytes, checkpoint: bytes | None, made: float | None, companions: Companions
) -> Iterator[dict[str, Any]]:
    """A take's latents, and how it goes on the way.

    Args:
        encoded: the shot file.
        checkpoint: latents to go on from, as an earlier message brought them.
        made: as of ``pipeline.generate``.
        companions: that share the take.

    Yields:
        as of ``_said``, and ``{"checkpoint", "step"}`` after each step, ``{"level", "line"}`` for the job's
        log, at last ``{"latents", "record"}``, an array ``(1, C, t, h, w)`` and ``make_record``'s.
    """

    def work(say: Say, report: Report) -> None:
        with tempfile.TemporaryDirectory(prefix="isa-engine-") as folder:
            _denoise(encoded, checkpoint, made, companions, Path(folder) / "latents", say, report)

    yield from _said(work)


def decode(
    encoded: bytes, latents: np.ndarray, weights: str, span: tuple[int, int]
) -> Iterator[dict[str, Any]]:
    """A span's frames, and how it goes on the way.

    Args:
        latents: of the whole take, ``(1, C, t, h, w)``.
        weights: of the model that denoised.

    Yields:
        as of ``_said``, at last ``{"plate", "matte"}``, ``(F, H, W, 3)`` uint8 each; the matte is None where
        the model has none of its own.

    Raises:
        EngineError: this node has other weights.
    """

    def work(say: Say, report: Report) -> None:
        import torch

        from isa_engine.pipeline.painter import painter_of

        shot = read_shot(encoded)
        model = _model(shot.settings.model)
        if model.weights != weights:
            problem = f"a node has other weights of '{model.name}' than the one that denoised"
            raise EngineError(problem, remedy="Install the same weights on all nodes.")
        given = torch.from_numpy(latents.copy()).to(model.device)
        plate, matte = painter_of(model).frames(given, model, shot, span, report)
        say({"plate": np.stack(list(plate)), "matte": None if matte is None else np.stack(list(matte))})

    yield from _said(work)


def _said(work: Callable[[Say, Report], None]) -> Iterator[dict[str, Any]]:
    """What a work says by its first argument, until it ends.

    Yields:
        beside that, ``{"phase", "step", "steps", "preview"}`` (PNG bytes or None) of what it reports by its
        second, and ``{"alive"}`` where there was nothing to say for ``BEAT_SECONDS``.
    """
    # It runs in a thread, because a generator cannot yield from within a callback. Where the generator is
    # closed, the thread is told to stop.
    messages: queue.SimpleQueue = queue.SimpleQueue()
    stopped = threading.Event()

    def report(progress: Progress) -> None:
        if stopped.is_set():
            raise Cancelled
        preview = None
        if progress.preview is not None:
            file = io.BytesIO()
            progress.preview.save(file, format="PNG")
            preview = file.getvalue()
        told = {"phase": progress.phase, "step": progress.step, "steps": progress.steps}
        messages.put({**told, "preview": preview})

    def run() -> None:
        try:
            work(messages.put, report)
            messages.put(None)
        except BaseException as error:
            messages.put(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    said = time.monotonic()
    try:
        while True:
            try:
                message = messages.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                if time.monotonic() - said < BEAT_SECONDS:
                    continue
                message = {"alive": True}
            said = time.monotonic()
            if isinstance(message, BaseException):
                raise message
            if message is None:
                return
            yield message
    finally:
        stopped.set()
        thread.join()


def _denoise(encoded, checkpoint, made, companions, path: Path, say: Say, report: Report) -> None:
    from isa_engine.pipeline.generation import Clock, control_hashes, memory_of
    from isa_engine.pipeline.generation import denoise as denoise_take
    from isa_engine.results.record import make_record

    class Steps:
        def __init__(self):
            self.path = path

        def saved(self, step: int) -> None:
            say({"checkpoint": path.read_bytes(), "step": step})

    if checkpoint is not None:
        path.write_bytes(checkpoint)
    shot = read_shot(encoded)
    clock, digest = Clock(), hashlib.sha256(encoded).hexdigest()
    # Companions load the model while this node does.
    with _logged_to(say), companions(shot.settings.model) as joined:
        model = _model(shot.settings.model)
        if others := joined(model.weights):
            model = dataclasses.replace(model, others=others)
        with memory_of(model):
            controls = control_hashes(shot, model, report)
            latents = denoise_take(shot, digest, model, report, Steps(), clock)
    record = {**make_record(shot, digest, model, controls, made), "seconds": clock.seconds}
    say({"latents": latents.cpu().numpy(), "record": record})


@contextlib.contextmanager
def nobody(name: str) -> Iterator[Callable[[str], tuple]]:
    """The ``Companions`` of a take that a node makes alone."""
    yield lambda weights: ()


@contextlib.contextmanager
def _logged_to(say) -> Iterator[None]:
    """What the engine logs meanwhile, said as messages: this node's log is not the job's."""

    class Said(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            say({"level": record.levelno, "line": record.getMessage()})

    handler, ours = Said(), logging.getLogger("isa_engine")
    ours.addHandler(handler)
    ours.setLevel(logging.INFO)
    try:
        yield
    finally:
        ours.removeHandler(handler)


@lru_cache(maxsize=1)
def _model(name: str):
    from isa_engine.pipeline import load_model

    return load_model(name)
