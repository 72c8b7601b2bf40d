"""An evaluation dealt out to workers, and dealt out anew where one of them fails.

A worker that fails, for whatever reason, costs the evaluation that it was in: the others share its windows
and begin that one again. What the last one cannot do is the job's failure.
"""

import itertools
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor

from isa_engine.dit import Conditioning
from isa_engine.dit.background_gate import Prediction
from isa_engine.geometry.temporal_windows import Share, shares
from isa_engine.pipeline.isa.model import Model
from isa_engine.pipeline.spread.devices import Device
from isa_engine.pipeline.spread.mail import Line, LocalMailbox, Lost
from isa_engine.pipeline.spread.worker import Worker

# Of all takes of this process: mail of one evaluation never passes for another's.
_EVALUATIONS = itertools.count()

log = logging.getLogger(__name__)


class Spread:
    """A network (``pipeline.velocity.PointNetwork``) that is one model, here and elsewhere.

    Args:
        model: on this process's device, where latents are.
        others: workers with the same model.

    Attributes:
        workers: those that have not failed yet.
    """

    def __init__(self, model: Model, others: Sequence[Worker]):
        self.windows = model.dit.windows
        self.workers: list[Worker] = [Device(model), *others]
        # The last two conditions, with and without the cast, as each worker wants them.
        self._told: list[tuple[Conditioning, dict[Worker, Any]]] = []
        self._moved_at: tuple[Tensor, Tensor] | None = None

    def __call__(
        self,
        latents: Tensor,
        timestep: Tensor,
        conditioning: Conditioning,
        points: list[list[Any]] | None = None,
    ) -> Prediction:
        """As ``Model.predict``; points are a list a worker, and all are moved once more where one is lost, at
        the latents at which they were."""
        reads = bool(points)
        if points is not None and not reads:
            self._moved_at = latents, timestep
        while True:
            try:
                if reads and not points:
                    self._shared(*self._moved_at, conditioning, points)
                return self._shared(latents, timestep, conditioning, points)
            except Lost:
                if points is not None:
                    points.clear()

    def _shared(self, latents, timestep, conditioning, points) -> Prediction:
        dealt, told = self._dealt(latents.shape[2]), self._known(conditioning)
        workers, evaluation = self.workers[: len(dealt)], next(_EVALUATIONS)
        if points is not None and not points:
            points.extend([] for _ in dealt)
        mailboxes = [worker.mailbox(evaluation) for worker in workers]
        # Whom only this process can reach leaves its mail with one that all can.
        common = next((box for box in mailboxes if box is not None), None) or LocalMailbox()
        mailboxes = [box or common for box in mailboxes]

        def share(number: int) -> Prediction:
            worker, own = workers[number], dealt[number]
            try:
                if worker not in told:
                    told[worker] = worker.told(conditioning)
                given = latents[:, :, own.first : own.last], timestep, told[worker]
                kept = None if points is None else points[number]
                return worker.share(*given, Line(number, mailboxes), kept)
            except Exception:
                for mailbox in mailboxes:
                    mailbox.hang_up()
                raise

        with ThreadPoolExecutor(len(dealt), "isa-worker") as pool:
            futures = [pool.submit(share, number) for number in range(len(dealt))]
        errors = {worker: future.exception() for worker, future in zip(workers, futures, strict=True)}
        self._leave_out({one: error for one, error in errors.items() if error is not None})
        parts = [future.result() for future in futures]
        velocity = torch.cat([part.velocity.to(latents.device) for part in parts], 2)
        if parts[0].gate is None:
            return Prediction(velocity)
        return Prediction(velocity, torch.cat([part.gate.to(latents.device) for part in parts], 2))

    def _dealt(self, latents: int) -> list[Share]:
        windows = self.windows(latents)
        return [Share((0,), 0, latents)] if windows is None else shares(windows, len(self.workers))

    def _leave_out(self, errors: dict[Worker, BaseException]) -> None:
        """
        Raises:
            Lost: somebody failed, and others are left; where nobody is, the first error.
        """
        failed = {worker: error for worker, error in errors.items() if not isinstance(error, Lost)}
        if failed and len(failed) == len(self.workers):
            raise next(iter(failed.values()))
        for worker, error in failed.items():
            self.workers.remove(worker)
            log.warning("%s is lost: %s", worker.name, type(error).__name__)
            worker.leave()
        if errors:
            raise Lost

    def _known(self, conditioning: Conditioning) -> dict[Worker, Any]:
        for original, told in self._told:
            if original is conditioning:
                return told
        self._told = [*self._told[-1:], (conditioning, {})]
        return self._told[-1][1]
