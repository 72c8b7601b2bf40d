"""The course of a sprint, whatever learns: by the clock, and with weights that fit every minute."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from isa_engine.errors import DataError
from isa_engine.training.batches.ring_batches import RingBatches
from isa_engine.training.ring.feeder import start
from isa_engine.training.runs.run import Run
from isa_engine.training.runs.trainer import Trainer
from isa_engine.training.sprint.clock import Clock, Every
from isa_engine.training.sprint.fallbacks import Fallbacks
from isa_engine.training.sprint.outputs import Outputs

# Steps between two waits for the device, which then gives the losses of all of them.
_LOGGED = 20
# Percent of the time in which a device that is busy enough works; below, it is the processor that a step
# waits for, and a larger batch costs nothing.
_BUSY = 60
# So often in a row it is found idle before the batch grows.
_IDLE = 3
# First steps, in which kernels are loaded and memory is taken.
_SETTLED = 100
# Seconds between two exports, and between two sheets; and sheets of a run at most, for a processor takes
# minutes to make one.
_EXPORT, _SHEET, _SHEETS = 60.0, 180.0, 4

Weights = dict[str, Tensor]


class Sprint(ABC):
    """One run, which owns its clock and what comes back.

    Args:
        settings: of the run, a dataclass.
        out: folder of what comes back.
        story: folder that the run is told in meanwhile, and that ``out`` is told from.
        clock: begun with the process.
        device: "cuda", or "cpu" for a rehearsal.
        batches: what is learned from.
        trainer: takes the steps.
        blocks: to be compiled, each alone.
    """

    def __init__(
        self,
        settings: Any,
        out: Path,
        story: Path,
        clock: Clock,
        device: str,
        batches: RingBatches,
        trainer: Trainer,
        blocks: nn.ModuleList | tuple = (),
    ):
        self.settings, self.clock, self.device = settings, clock, torch.device(device)
        self.batches, self.trainer, self.ring = batches, trainer, batches.ring
        self.story = Run(story)
        self.story.describe(settings, device)
        self.outputs = Outputs(out, self.story.folder)
        self.fallbacks = Fallbacks(blocks, self.halve)
        self._kept = self.weights()
        self._told = self.clock.now(), 0, 0
        self._idle = 0

    def __call__(self) -> None:
        """Learn until the time is over; then write all a last time.

        Whether it ends well or not, by then all is written whose writing had begun: another sprint may start
        with it.
        """
        try:
            self._learn()
            self.outputs.wait()
            self._look()
            self.outputs.tell()
        finally:
            self.story.close()
            self.outputs.wait()

    def _learn(self) -> None:
        """Until the time is over, and begin to write the last weights."""
        self.batches.wait()
        self.clock.learning_begins()
        export = Every(_EXPORT, self.clock.now)
        sheet = Every(max(_SHEET, self.clock.seconds / _SHEETS), self.clock.now)
        losses: list[dict[str, Tensor]] = []
        while self.clock.left > 0:
            losses.append(self.fallbacks(lambda: self.step(self.clock.share)))
            if len(losses) == _LOGGED:
                self.log(losses)
                losses = []
            if export():
                self.export()
                self._feed()
            if sheet():
                self._look()
        if losses:
            self.log(losses)
        self.export()

    def log(self, losses: list[dict[str, Tensor]]) -> None:
        """Wait for the device, and write down how it went; go back where a loss is not finite."""
        terms = {
            name: torch.stack([each[name] for each in losses if name in each]).mean().item()
            for name in losses[-1]
        }
        began, shown, made = self._told
        self._told = now, *counts = self.clock.now(), self.batches.latent_frames, self.ring.written_frames
        rates = [(a - b) / (now - began) for a, b in zip(counts, (shown, made), strict=True)]
        busy = self._busy()
        self._tell(
            {
                **terms,
                "learning_rate": self.trainer.optimizer.param_groups[0]["lr"],
                "latent_frames_a_second": round(rates[0], 1),
                "rendered_frames_a_second": round(rates[1], 1),
                "share": round(self.clock.share, 3),
                **({} if busy is None else {"device_busy": busy}),
            }
        )
        if busy is not None:
            self._grow_where_idle(busy)
        if not all(map(math.isfinite, terms.values())):
            self._go_back()

    def _busy(self) -> int | None:
        """Percent of the time in which the device works; None: nobody knows."""
        if self.device.type != "cuda":
            return None
        try:
            return torch.cuda.utilization()
        except Exception:
            # Without NVIDIA's management library nobody knows.
            return None

    def _grow_where_idle(self, busy: int) -> None:
        """Let the batch grow where the device was found idle again and again."""
        settled = self.trainer.steps_done > _SETTLED
        self._idle = self._idle + 1 if busy < _BUSY and settled else 0
        if self._idle == _IDLE:
            self._idle = 0
            self.grow()

    def export(self) -> None:
        """Begin to write the weights as they are, if they are numbers."""
        weights = self.weights()
        if not torch.stack([v.isfinite().all() for of in weights.values() for v in of.values()]).all():
            self._go_back()
            return
        self._kept = weights
        self.outputs.write(weights)

    def _feed(self) -> None:
        """Start a feeder that died again; where that fails, the clips that are there are shown more often."""
        try:
            start(self.ring.folder)
        except (DataError, OSError) as error:
            print(error, flush=True)

    def _look(self) -> None:
        """Write the sheet; whatever goes wrong with it must not end the training."""
        try:
            self._tell(self.look())
        except Exception as error:
            print(f"no sheet: {type(error).__name__}: {error}", flush=True)

    def _tell(self, values: Mapping[str, float]) -> None:
        self.story.log(self.trainer.steps_done, dict(values))
        told = "  ".join(f"{name} {value:.5g}" for name, value in values.items())
        print(f"step {self.trainer.steps_done}  {told}", flush=True)

    def _go_back(self) -> None:
        """To the weights of the last export, with fresh moments, at half the learning rate."""
        self.fallbacks.taken.append(f"back to the last export at step {self.trainer.steps_done}")
        print(self.fallbacks.taken[-1], flush=True)
        self.restart(self._kept)

    @abstractmethod
    def step(self, gone: float) -> dict[str, Tensor]:
        """One step at that share of the time: its losses, on the device."""

    @abstractmethod
    def weights(self) -> dict[str, Weights]:
        """Copies of what is trained, by the files of ``outputs`` that they go to."""

    @abstractmethod
    def restart(self, weights: dict[str, Weights]) -> None:
        """Go on from what ``weights`` gave, carefully."""

    @abstractmethod
    def look(self) -> dict[str, float]:
        """Write the sheet of held-out clips; returns what is measured on them."""

    @abstractmethod
    def grow(self) -> None:
        """Batches twice as large from now on, where the settings allow it."""

    @abstractmethod
    def halve(self) -> None:
        """Batches half as large from now on.

        Raises:
            ModelError: they cannot be smaller.
        """
