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
from isa_engine.shot import read_shot

_POLL_SECONDS = 0.1
# Whoever denoises says as often as this that it lives.
BEAT_SECONDS = 5

# From a model's name to a context in which others get ready to share a take; and from its weights to them,
# once they are (``pipeline.spread.nodes.companions``).
Companions = Callable[[str], contextlib.AbstractContextManager[Callable[[str], tuple]]]


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
        ``{"phase", "step", "steps", "preview"}`` (PNG bytes or None), ``{"checkpoint", "step"}`` after each
        step, ``{"level", "line"}`` for the job's log, ``{"alive"}`` where there was nothing to say for
        ``BEAT_SECONDS``, at last ``{"latents", "record"}``, an array ``(1, C, t, h, w)`` and
        ``make_record``'s.
    """
    # The work runs in a thread, because a generator cannot yield from within a callback. Where the generator
    # is closed, the thread is told to stop.
    messages: queue.SimpleQueue = queue.SimpleQueue()
    stopped = threading.Event()

    def run() -> None:
        try:
            with tempfile.TemporaryDirectory(prefix="isa-engine-") as folder:
                path = Path(folder) / "latents"
                _denoise(encoded, checkpoint, made, companions, path, messages.put, stopped)
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
            yield message
            if "latents" in message:
                return
    finally:
        stopped.set()
        thread.join()


def decode(
    encoded: bytes, latents: np.ndarray, span: tuple[int, int], weights: str
) -> tuple[np.ndarray, np.ndarray | None]:
    """A span's frames ``(F, H, W, 3)`` uint8, and the matte of them, if the model has one of its own.

    Args:
        weights: of the model that denoised.

    Raises:
        EngineError: this node has others.
    """
    import torch

    from isa_engine.pipeline.painter import painter_of

    shot = read_shot(encoded)
    model = _model(shot.settings.model)
    if model.weights != weights:
        problem = f"a node has other weights of '{model.name}' than the one that denoised"
        raise EngineError(problem, remedy="Install the same weights on all nodes.")
    given = torch.from_numpy(latents.copy()).to(model.device)
    plate, matte = painter_of(model).frames(given, model, shot, span, lambda progress: None)
    return np.stack(list(plate)), None if matte is None else np.stack(list(matte))


def _denoise(encoded, checkpoint, made, companions, path: Path, say, stopped: threading.Event) -> None:
    from isa_engine import pipeline
    from isa_engine.pipeline.generation import Clock, control_hashes, memory_of
    from isa_engine.pipeline.generation import denoise as denoise_take
    from isa_engine.results.record import make_record

    def report(progress: pipeline.Progress) -> None:
        if stopped.is_set():
            raise Cancelled
        preview = None
        if progress.preview is not None:
            file = io.BytesIO()
            progress.preview.save(file, format="PNG")
            preview = file.getvalue()
        say({"phase": progress.phase, "step": progress.step, "steps": progress.steps, "preview": preview})

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
