"""Several devices of one host: a thread each, in one process.

A device that fails, for whatever reason, costs the evaluation that it was in: the others share its windows
and begin that one again. What the last one cannot do is the job's failure.
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from queue import SimpleQueue

import torch
from torch import Tensor

from isa_engine.dit import Conditioning
from isa_engine.dit.background_gate import Prediction
from isa_engine.geometry.temporal_windows import shares
from isa_engine.pipeline.model import Model

log = logging.getLogger(__name__)


class Lost(Exception):
    """Another device failed in the middle of an evaluation."""


class Spread:
    """A network (``pipeline.velocity.PointNetwork``) that is one model on several devices.

    Args:
        models: equal but for their devices; the first one's is where latents are, and answers.

    Attributes:
        models: those that have not failed yet.
    """

    def __init__(self, models: list[Model]):
        self.models = list(models)
        # The last two conditions, with and without the cast, on every device.
        self._told: list[tuple[Conditioning, dict[torch.device, Conditioning]]] = []

    def __call__(
        self,
        latents: Tensor,
        timestep: Tensor,
        conditioning: Conditioning,
        points: list[list[Tensor]] | None = None,
    ) -> Prediction:
        """As ``Model.predict``; points are a list a device, and all are moved anew where one is lost."""
        while True:
            try:
                return self._shared(latents, timestep, conditioning, points)
            except Lost:
                if points is not None:
                    points.clear()

    def _shared(self, latents, timestep, conditioning, points) -> Prediction:
        windows = self.models[0].dit.windows(latents.shape[2])
        count = 1 if windows is None else len(shares(windows, len(self.models)))
        if points is not None and not points:
            points.extend([] for _ in range(count))
        lines = _lines(count)

        def share(number: int) -> Prediction:
            model = self.models[number]
            told = self._on(model.device, conditioning)
            given = latents.to(model.device), timestep.to(model.device), told
            kept = None if points is None else points[number]
            try:
                if count == 1:
                    return model.predict(*given, kept)
                return model.predict_share(*given, number, count, lines[number], kept)
            except Exception:
                for line in lines:
                    line.hang_up()
                raise

        with ThreadPoolExecutor(count, "isa-device") as pool:
            futures = [pool.submit(share, number) for number in range(count)]
        errors = [future.exception() for future in futures]
        failed = [number for number, error in enumerate(errors) if error and not isinstance(error, Lost)]
        if failed:
            self._leave_out(failed, errors)
            raise Lost
        parts = [future.result() for future in futures]
        velocity = torch.cat([part.velocity.to(latents.device) for part in parts], 2)
        if parts[0].gate is None:
            return Prediction(velocity)
        return Prediction(velocity, torch.cat([part.gate.to(latents.device) for part in parts], 2))

    def _leave_out(self, failed: list[int], errors: list[BaseException | None]) -> None:
        """Raises the error where none would be left."""
        if len(failed) == len(self.models):
            raise errors[failed[0]]
        for number in reversed(failed):
            lost = self.models.pop(number)
            log.warning("%s is lost: %s", lost.device, type(errors[number]).__name__)

    def _on(self, device: torch.device, conditioning: Conditioning) -> Conditioning:
        for original, copies in self._told:
            if original is conditioning:
                return copies.setdefault(device, conditioning.to(device))
        self._told = [*self._told[-1:], (conditioning, {device: conditioning.to(device)})]
        return self._on(device, conditioning)


class _Line:
    """A device's ``dit.shared_windows.Neighbours``: queues of tensors to and from the others' threads."""

    def __init__(self):
        self.before: _Line | None = None
        self.after: _Line | None = None
        self.others: list[_Line] = []
        self.from_before, self.from_after, self.first = SimpleQueue(), SimpleQueue(), SimpleQueue()

    def back(self, lent: Tensor, borrowed: Tensor) -> Tensor:
        if self.before is not None:
            self.before.from_after.put(lent)
        return borrowed if self.after is None else _taken(self.from_after, borrowed)

    def on(self, given: Tensor, taken: Tensor) -> Tensor:
        if self.after is not None:
            self.after.from_before.put(given)
        return taken if self.before is None else _taken(self.from_before, taken)

    def from_first(self, tokens: Tensor) -> Tensor:
        if self.before is not None:
            return _taken(self.first, tokens)
        for line in self.others:
            line.first.put(tokens)
        return tokens

    def hang_up(self) -> None:
        """Whoever waits here waits in vain."""
        for queue in (self.from_before, self.from_after, self.first):
            queue.put(None)


def _lines(count: int) -> list[_Line]:
    lines = [_Line() for _ in range(count)]
    for line, after in pairwise(lines):
        line.after, after.before = after, line
    lines[0].others = lines[1:]
    return lines


def _taken(queue: SimpleQueue, like: Tensor) -> Tensor:
    tokens = queue.get()
    if tokens is None:
        raise Lost
    return tokens.to(like)
