"""A sprint of the transformer."""

import dataclasses
from pathlib import Path

from torch import Tensor

from isa_engine.errors import ModelError
from isa_engine.training.batches.device_batches import DeviceBatches
from isa_engine.training.dit.trainer import DiTTrainer
from isa_engine.training.ring.shelves import draws_of_dit
from isa_engine.training.runs.encoding_model import encoding_model
from isa_engine.training.runs.parallel import make_accelerator
from isa_engine.training.sprint.clock import Clock
from isa_engine.training.sprint.held_out import HeldOutClips
from isa_engine.training.sprint.loop import Sprint, Weights
from isa_engine.training.sprint.outputs import RAW, SHEET, USED
from isa_engine.training.sprint.recipe import SprintTraining
from isa_engine.training.sprint.ring_place import open_ring, probed


class TransformerSprint(Sprint):
    """A sprint of the transformer.

    Args:
        settings, out, story, clock, device: as of ``Sprint``.
        ring: name of the ring of clips; one that is filled already is drawn from.
        compiled: whether to try compiled blocks if a probe found them faster.
        writers: processes that render, where the ring is new; None: one for each of two cores in three.
    """

    def __init__(
        self,
        settings: SprintTraining,
        out: Path,
        story: Path,
        clock: Clock,
        device: str,
        ring: str,
        compiled: bool = False,
        writers: int | None = None,
    ):
        self.model = encoding_model(settings, device)
        draws = draws_of_dit(settings)
        reprojects, points = self.model.config.reprojects, settings.most_points
        clips = open_ring(ring, draws, points, settings.ring_reuse, settings.seed, writers, reprojects)
        batches = DeviceBatches(clips, draws, self.model, settings.points, settings.latent_reuse)
        self.held_out = HeldOutClips(self.model.config.dit.points, middle_length(settings), *canvas(settings))
        trainer = DiTTrainer(settings, batches, make_accelerator(device))
        recommended = probed(clips.folder).get("recommended", {})
        compiled = compiled and recommended.get("compiled", False)
        blocks = trainer.networks.dit.transformer_blocks if compiled else ()
        super().__init__(settings, out, story, clock, device, batches, trainer, blocks)

    def step(self, gone: float) -> dict[str, Tensor]:
        if self.settings.points_late and gone > self.settings.late:
            self.batches.points = self.settings.points_late
        return self.trainer.step(gone)

    def weights(self) -> dict[str, Weights]:
        raw = {name: value.clone() for name, value in self.trainer.networks.state_dict().items()}
        return {USED: dict(self.trainer.averaged().state_dict()), RAW: raw}

    def restart(self, weights: dict[str, Weights]) -> None:
        self.trainer.restart(weights[RAW], weights[USED])

    def look(self) -> dict[str, float]:
        sample = self.held_out.sample(self.model)
        self.held_out.sheet_of_takes(self.outputs.folder / SHEET, self.model, self.trainer.averaged(), sample)
        return {"held_out_loss": self.held_out.loss(self.trainer, sample)}

    def grow(self) -> None:
        if 2 * self.settings.batch <= self.settings.most_batch:
            self._take(2 * self.settings.batch, self.settings.most_batch)

    def halve(self) -> None:
        batch = self.settings.batch // 2
        if batch < 1:
            raise ModelError("not even one latent frame fits into the memory")
        # What did not fit once is not tried again.
        self._take(batch, batch)

    def _take(self, batch: int, most: int) -> None:
        """Latent frames of a step from now on."""
        print(f"{batch} latent frames a step", flush=True)
        self.settings = dataclasses.replace(self.settings, batch=batch, most_batch=most)
        self.batches.draws = draws_of_dit(self.settings)


def middle_length(settings: SprintTraining) -> int:
    """Frames: half of all batches have no more."""
    return sorted(settings.frames)[len(settings.frames) // 2]


def canvas(settings: SprintTraining) -> tuple[int, int]:
    """Width and height of the recipe's first."""
    width, height = (int(side) for side in settings.sizes[0].split("x"))
    return width, height
