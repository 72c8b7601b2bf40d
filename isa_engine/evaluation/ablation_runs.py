"""The runs of an ablation: the same data, budget, seeds and autoencoder, another conditioning each.

Each run has a folder of its own and goes on where it stopped.
"""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from isa_engine.configuration import ABLATIONS, model_config
from isa_engine.data.samples import Batches, ClipSource, KeptSamples, Sample, Samples, fingerprint
from isa_engine.data.sources import synthetic_clips
from isa_engine.evaluation.candidates import first_points
from isa_engine.evaluation.held_out import HeldOut
from isa_engine.evaluation.plots import Curve
from isa_engine.evaluation.progress import Report
from isa_engine.geometry.surface import POINTS
from isa_engine.pipeline.model import Model
from isa_engine.training.configuration import DiTTraining
from isa_engine.training.dit import DiTTrainer
from isa_engine.training.parallel import make_accelerator
from isa_engine.training.run import Run

# How often the validation loss is taken in a run, and over how many batches.
_VALIDATIONS, _BATCHES = 20, 8


@dataclass(frozen=True)
class Ablation:
    """What all runs have in common.

    Attributes:
        settings: of the training; its model is the one to compare with its ablations.
        seeds: a run of each conditioning for each.
        base: whose autoencoder and matte head all share.
    """

    settings: DiTTraining
    seeds: tuple[int, ...]
    base: Model

    @property
    def names(self) -> tuple[str, ...]:
        """Of the configurations."""
        model = self.settings.model
        return (model, *(f"{model}-{ending}" for ending in ABLATIONS))


class Runs:
    """``runs(name, seed)`` → the model of one run, trained to the end.

    Args:
        held_out: whose clips the validation loss is taken on.
        out: folder of the runs, and of the samples that they share.
    """

    def __init__(self, common: Ablation, held_out: HeldOut, out: Path, report: Report):
        self.common, self.out, self.report = common, out, report
        self.training = synthetic_clips(POINTS, common.base.device)
        self.held_out = held_out.humans.clip
        self._validation: dict[int, list[Sample]] = {}

    def __call__(self, name: str, seed: int) -> Model:
        settings = dataclasses.replace(self.common.settings, model=name, seed=seed)
        model = dataclasses.replace(self.common.base, config=model_config(name))
        trainer = DiTTrainer(settings, self._batches(model, settings), make_accelerator(model.device))
        run = Run(self._folder(name, seed))
        run.describe(settings, model.device)
        if (state := run.load()) is not None:
            trainer.load(state)
        every = max(1, settings.steps // _VALIDATIONS)
        while not trainer.finished:
            values = trainer.step()
            done = trainer.steps_done
            if done % every == 0 or trainer.finished:
                run.log(done, {**values, "validation": self._validated(model, trainer)})
                run.save(trainer.state())
            self.report(f"{name}, seed {seed}", done, settings.steps)
        learned = dict(trainer.averaged().requires_grad_(False).named_children())
        return dataclasses.replace(model, **learned, trained=True)

    def curve(self, name: str) -> Curve:
        """The validation losses of a conditioning's runs."""
        logged = []
        for seed in self.common.seeds:
            lines = (self._folder(name, seed) / "curves.jsonl").read_text().splitlines()
            # What was logged after the last checkpoint of an interrupted run was logged again.
            logged.append({line["step"]: line["validation"] for line in map(json.loads, lines)})
        steps = sorted(set.intersection(*map(set, logged)))
        return np.array(steps), np.array([[of[step] for step in steps] for of in logged])

    def _folder(self, name: str, seed: int) -> Path:
        return self.out / name / f"seed-{seed}"

    def _batches(self, model: Model, settings: DiTTraining) -> Batches:
        samples = Samples(model, _fewer_points(self.training, model))
        if settings.samples:
            # Conditionings that read the same points share what is kept.
            kept = self.out / "samples" / f"{fingerprint(model)[:12]}-{model.config.dit.points}"
            samples = KeptSamples(samples, kept, settings.samples)
        return _batches_of(samples, model, settings)

    @torch.no_grad()
    def _validated(self, model: Model, trainer: DiTTrainer) -> float:
        """The loss on held-out batches, with the same noise and times whenever it is taken."""
        points = model.config.dit.points
        if points not in self._validation:
            samples = Samples(model, _fewer_points(self.held_out, model))
            batches = _batches_of(samples, model, trainer.settings)
            self._validation[points] = [batches(seed) for seed in range(_BATCHES)]
        losses = [
            trainer.loss(*batch, torch.Generator().manual_seed(seed))
            for seed, batch in enumerate(self._validation[points])
        ]
        return torch.stack(losses).mean().item()


def _fewer_points(clips: ClipSource, model: Model) -> ClipSource:
    """The same clips for every conditioning, cameras included: they are aimed at all points of the cast."""
    return lambda *which: first_points(clips(*which), model.config.dit.points)


def _batches_of(samples: Samples | KeptSamples, model: Model, settings: DiTTraining) -> Batches:
    sizes = tuple(model.config.canvas(size) for size in settings.sizes)
    return Batches(samples, settings.batch, settings.frames, sizes)
