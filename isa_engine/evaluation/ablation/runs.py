"""The runs of an ablation: the same data, budget, seeds and autoencoder, and different conditionings.

Each run has a folder of its own and goes on where it stopped. All share
clips, each of which is rendered and encoded once.
"""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from isa_engine.configuration import ABLATIONS, model_config
from isa_engine.data.clips.sources import synthetic_clips
from isa_engine.data.samples.encoding import Sample
from isa_engine.data.samples.sources import (
    Batches,
    ClipSource,
    KeptSamples,
    Samples,
    SampleSource,
    fingerprint,
)
from isa_engine.evaluation.held_out.clips import HeldOut
from isa_engine.evaluation.reporting.plots import Curve
from isa_engine.evaluation.reporting.progress import Report
from isa_engine.geometry.surface import POINTS
from isa_engine.pipeline.isa.model import Model
from isa_engine.pipeline.isa.normals import conditioned_in_2d, packed_normal_maps
from isa_engine.training.configuration import DiTTraining
from isa_engine.training.dit.trainer import DiTTrainer
from isa_engine.training.runs.parallel import make_accelerator
from isa_engine.training.runs.run import Run

# Held-out clips are drawn from so many seeds that a batch hardly ever has the same one twice.
_SEEDS = 2**31
# How often in a run the validation loss is measured, and over how many batches.
_VALIDATIONS, _BATCHES = 10, 6


@dataclass(frozen=True)
class Ablation:
    """What all runs of an ablation have in common.

    Attributes:
        settings: of the training; its model is compared with its ablations.
        seeds: each conditioning has a run for every seed.
        base: the model whose autoencoder and matte head all runs share.
    """

    settings: DiTTraining
    seeds: tuple[int, ...]
    base: Model

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the configurations that are compared."""
        model = self.settings.model
        own, variants = model_config(model).dit, [f"{model}-{ending}" for ending in ABLATIONS]
        return (model, *(name for name in variants if model_config(name).dit != own))


class Runs:
    """The runs in a folder: ``runs(name, seed)`` is the model of one, trained to the end if it was not.

    Args:
        common: what they have in common.
        held_out: the clips on which the validation loss is measured.
        out: folder of the runs, and of the samples that they share.
    """

    def __init__(self, common: Ablation, held_out: HeldOut, out: Path, report: Report):
        self.common, self.out, self.report = common, out, report
        base, settings = common.base, common.settings
        points = settings.points or base.config.dit.points
        of = fingerprint(base, points)[:12]
        samples = _of_every_conditioning(base, synthetic_clips(POINTS, base.device), points)
        if settings.samples:
            samples = KeptSamples(samples, out / f"samples-{of}", settings.samples)
        self.batches = _batches_of(samples, base, settings)
        unseen = _of_every_conditioning(base, held_out.humans.clip, points)
        unseen = KeptSamples(unseen, out / f"held-out-{of}", _SEEDS)
        self.unseen = [_batches_of(unseen, base, settings)(seed) for seed in range(_BATCHES)]

    def __call__(self, name: str, seed: int) -> Model:
        settings = dataclasses.replace(self.common.settings, model=name, seed=seed)
        model = dataclasses.replace(self.common.base, config=model_config(name))
        trainer = DiTTrainer(
            settings, lambda number: _suited(self.batches(number), model), make_accelerator(model.device)
        )
        run = Run(self._folder(name, seed))
        run.describe(settings, model.device)
        if (state := run.load()) is not None:
            trainer.load(state)
        every = max(1, settings.steps // _VALIDATIONS)
        while not trainer.finished:
            values = trainer.step()
            done = trainer.steps_done
            if done % every == 0 or trainer.finished:
                losses = {"loss": values["loss"].item(), "validation": self._validated(model, trainer)}
                run.log(done, losses)
                run.save(trainer.state())
            self.report(f"{name}, seed {seed}", done, settings.steps)
        learned = dict(trainer.averaged().requires_grad_(False).named_children())
        return dataclasses.replace(model, **learned, trained=True)

    def curve(self, name: str) -> Curve:
        """The validation losses of a conditioning's runs."""
        logged = []
        for seed in self.common.seeds:
            lines = (self._folder(name, seed) / "curves.jsonl").read_text().splitlines()
            # A run that was interrupted logs the steps after its last checkpoint a second time: the later
            # line of a step counts.
            logged.append({line["step"]: line["validation"] for line in map(json.loads, lines)})
        steps = sorted(set.intersection(*map(set, logged)))
        return np.array(steps), np.array([[of[step] for step in steps] for of in logged])

    def _folder(self, name: str, seed: int) -> Path:
        return self.out / name / f"seed-{seed}"

    @torch.no_grad()
    def _validated(self, model: Model, trainer: DiTTrainer) -> float:
        """The loss on held-out batches, with the same noise and times whenever it is measured."""
        losses = []
        for seed, batch in enumerate(self.unseen):
            latents, conditioning, pictures = _suited(batch, model)
            device, generator = model.device, torch.Generator(model.device).manual_seed(seed)
            losses.append(
                trainer.loss(latents.to(device), conditioning.to(device), pictures.to(device), generator)
            )
        return torch.stack(losses).mean().item()


def _of_every_conditioning(base: Model, clips: ClipSource, count: int) -> SampleSource:
    """Samples that serve every conditioning: so many points for those that read points, and normal maps for
    those that do not, which are drawn from all points. Cameras are aimed at all points in both."""

    def samples(seeds: list[int], frames: int, height: int, width: int) -> Sample:
        drawn = {seed: clips(seed, frames, height, width) for seed in seeds}
        points = Samples(base, lambda seed, *size: drawn[seed], count)
        latents, conditioning, pictures = points(seeds, frames, height, width)
        seen = [(c.points, c.normals, c.intrinsics, c.camera_to_world) for c in map(drawn.get, seeds)]
        maps = torch.cat([packed_normal_maps(base, *each, (width, height)) for each in seen])
        return latents, dataclasses.replace(conditioning, normal_maps=maps), pictures

    return samples


def _suited(batch: Sample, model: Model) -> Sample:
    """A batch as a model reads it: without normal maps, unless it was made for them."""
    latents, conditioning, pictures = batch
    if not conditioned_in_2d(model):
        conditioning = dataclasses.replace(conditioning, normal_maps=None)
    return latents, conditioning, pictures


def _batches_of(samples: SampleSource, model: Model, settings: DiTTraining) -> Batches:
    sizes = tuple(model.config.canvas(size) for size in settings.sizes)
    return Batches(samples, settings.batch, settings.frames, sizes)
