"""Table 4 and Fig. 14: three ways to tell the transformer of the bodies, trained alike and compared.

Data, budget, seeds, autoencoder and held-out clips are the same for all. Each run has a folder of its own
and goes on where it stopped; one that is finished is only measured.
"""

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from isa_engine.configuration import ABLATIONS, model_config
from isa_engine.data.clip import Clip
from isa_engine.data.samples import Batches, KeptSamples, Samples, fingerprint
from isa_engine.data.sources import synthetic_clips
from isa_engine.data.split import HELD_OUT, Split
from isa_engine.evaluation.candidates import CEILING, Sampling, first_points, generated, through_autoencoder
from isa_engine.evaluation.contact_sheet import write_contact_sheet
from isa_engine.evaluation.fidelity import COLUMNS, NOTE, Fidelity, Networks
from isa_engine.evaluation.held_out import HeldOut, HeldOutClip, Kind
from isa_engine.evaluation.plots import Curve, plot_curves
from isa_engine.evaluation.progress import Report
from isa_engine.evaluation.silhouette import iou, keyed
from isa_engine.evaluation.table import Cell, Row, Table, mean
from isa_engine.geometry.surface import POINTS
from isa_engine.pipeline.model import Model
from isa_engine.training.configuration import DiTTraining
from isa_engine.training.dit import DiTTrainer
from isa_engine.training.parallel import make_accelerator
from isa_engine.training.run import Run

FIGURES = Kind("figures", (1, 1, 2, 3), "flat")
LOSS, SILHOUETTE = "validation loss ↓", "silhouette IoU ↑"
# How often the validation loss is taken in a run, and over how many batches.
_VALIDATIONS, _BATCHES = 20, 8
_NOTES = (
    "Means over seeds ± their standard deviation. Data, steps, seeds and autoencoder are the same for all.",
    NOTE,
)


@dataclass(frozen=True)
class Ablation:
    """What all runs have in common.

    Attributes:
        settings: of the training; its model is the one to compare with its ablations.
        seeds: a run of each conditioning for each.
        base: whose autoencoder, image tower and matte head all share.
        device: as ``torch.device`` takes it.
    """

    settings: DiTTraining
    seeds: tuple[int, ...]
    base: Model
    device: str

    @property
    def names(self) -> tuple[str, ...]:
        """Of the configurations."""
        model = self.settings.model
        return (model, *(f"{model}-{ending}" for ending in ABLATIONS))


def ablation(
    common: Ablation,
    held_out: HeldOut,
    count: int,
    sampling: Sampling,
    networks: Networks,
    out: Path,
    report: Report = lambda what, done, of: None,
) -> Table:
    """Train and measure; runs, curves and contact sheets go into a folder.

    Args:
        count: held-out clips to generate with each run.
        out: the folder.
    """
    models, curves = {}, {}
    for seed in common.seeds:
        for name in common.names:
            models[name, seed] = _train(common, name, seed, out, report)
    for name in common.names:
        curves[name] = _curves([out / name / f"seed-{seed}" for seed in common.seeds])
    plot_curves(out / "ablation.png", curves, "validation loss")

    clips = list(held_out.clips(FIGURES, count))
    rows: dict[str, list[tuple[Cell, ...]]] = {name: [] for name in common.names}
    sheet = [("render", clips[0].clip.video)]
    for done, ((name, seed), model) in enumerate(models.items()):
        report("clips of each run", done, len(models))
        loss = float(curves[name][1][common.seeds.index(seed), -1])
        made = [generated(model, clip, sampling).video for clip in clips]
        rows[name].append((loss, *_measured(made, clips, networks)))
        if seed == common.seeds[0]:
            sheet.append((name, made[0]))
    report("clips of each run", len(models), len(models))
    write_contact_sheet(out / "ablation-clips.png", sheet)

    body = [Row(name, _over_seeds(of)) for name, of in rows.items()]
    best = [through_autoencoder(common.base, clip.clip.video).video for clip in clips]
    body.append(Row(CEILING, _over_seeds([("–", *_measured(best, clips, networks))])))
    return Table("Ablation", ("conditioning", LOSS, *COLUMNS, SILHOUETTE), tuple(body), _NOTES)


def _train(common: Ablation, name: str, seed: int, out: Path, report: Report) -> Model:
    """The model of one run, trained to the end."""
    settings = dataclasses.replace(common.settings, model=name, seed=seed)
    model = dataclasses.replace(common.base, config=model_config(name))
    batches = _batches(model, settings, common, out / "samples")
    accelerator = make_accelerator(common.device)
    trainer = DiTTrainer(settings, batches, accelerator)
    run = Run(out / name / f"seed-{seed}")
    run.describe(settings, common.device)
    if (state := run.load()) is not None:
        trainer.load(state)
    every = max(1, settings.steps // _VALIDATIONS)
    if not trainer.finished:
        validation = _validation(model, settings, common)
        while not trainer.finished:
            values = trainer.step()
            done = trainer.steps_done
            if done % every == 0 or trainer.finished:
                run.log(done, {**values, "validation": validation(trainer)})
                run.save(trainer.state())
            report(f"{name}, seed {seed}", done, settings.steps)
    return dataclasses.replace(model, dit=trainer.averaged().requires_grad_(False), trained=True)


def _batches(model: Model, settings: DiTTraining, common: Ablation, folder: Path) -> Batches:
    samples = Samples(model, _clips(model, common.device))
    if settings.samples:
        # Conditionings that read the same points share what is kept.
        kept = folder / f"{fingerprint(model)[:12]}-{model.config.dit.points}"
        samples = KeptSamples(samples, kept, settings.samples)
    sizes = tuple(model.config.canvas(size) for size in settings.sizes)
    return Batches(samples, settings.batch, settings.frames, sizes)


def _validation(model: Model, settings: DiTTraining, common: Ablation) -> Callable[[DiTTrainer], float]:
    """The loss on held-out batches, with the same noise and times whenever it is taken."""
    sizes = tuple(model.config.canvas(size) for size in settings.sizes)
    samples = Samples(model, _clips(model, common.device, HELD_OUT))
    batches = Batches(samples, settings.batch, settings.frames, sizes)
    kept = [batches(seed) for seed in range(_BATCHES)]

    @torch.no_grad()
    def loss(trainer: DiTTrainer) -> float:
        device = trainer.accelerator.device
        losses = [
            trainer.loss(latents.to(device), conditioning.to(device), torch.Generator().manual_seed(seed))
            for seed, (latents, conditioning) in enumerate(kept)
        ]
        return torch.stack(losses).mean().item()

    return loss


def _clips(model: Model, device: str, split: Split | None = None) -> Callable[..., Clip]:
    """The same clips for every conditioning: cameras are aimed at all points of the cast."""
    clips = synthetic_clips(POINTS, device, *([split] if split else []))
    return lambda *which: first_points(clips(*which), model.config.dit.points)


def _curves(runs: list[Path]) -> Curve:
    """The validation losses that runs logged."""
    logged = []
    for run in runs:
        lines = [json.loads(line) for line in (run / "curves.jsonl").read_text().splitlines()]
        # What was logged after the last checkpoint of an interrupted run was logged again.
        logged.append({line["step"]: line["validation"] for line in lines})
    steps = sorted(set.intersection(*map(set, logged)))
    return np.array(steps), np.array([[of[step] for step in steps] for of in logged])


def _measured(videos: list[torch.Tensor], clips: list[HeldOutClip], networks: Networks) -> tuple[Cell, ...]:
    """``COLUMNS`` and the silhouettes of one run's videos, a number each."""
    fidelity = Fidelity(networks)
    silhouettes = []
    for video, clip in zip(videos, clips, strict=True):
        fidelity.add(video, clip.clip.video)
        silhouettes.append(iou(keyed(video, clip.screen, clip.tolerance), clip.mask))
    return (*fidelity.cells(), tuple(silhouettes))


def _over_seeds(runs: list[tuple[Cell, ...]]) -> tuple[Cell, ...]:
    """A row of the runs' means; words stay words."""
    columns = zip(*runs, strict=True)
    return tuple(c[0] if isinstance(c[0], str) else tuple(mean(cell) for cell in c) for c in columns)
