"""``isa-engine train vae|dit|gate|model``: train, or train on, and leave weights, curves and pictures.

``model`` is a whole recipe: the autoencoder, then the transformer on its latents, then the gate on its
tokens, then the weights folder.
On several GPUs: ``torchrun --nproc-per-node N -m isa_engine.cli train dit … --device cuda``.
"""

import argparse
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from isa_engine.commands.options.ranges import within
from isa_engine.errors import ModelError
from isa_engine.given_path import GivenPath
from isa_engine.out_folder import check_folder

HELP = "train a model's autoencoder, its transformer, its background gate, or all of it"
# The part of a whole recipe's minutes that the autoencoder gets.
_VAE_SHARE = 0.35
# Steps on a GPU after which their losses are read, all at once: each reading waits for the GPU.
_TOLD_TOGETHER = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("part", choices=("vae", "dit", "gate", "model"), help="what to train")
    parser.add_argument(
        "--config",
        action=GivenPath,
        required=True,
        help="TOML, see isa_engine.training.configuration; of a model: a folder with one for each part",
    )
    parser.add_argument(
        "--out", action=GivenPath, required=True, help="folder; one with a checkpoint is continued"
    )
    parser.add_argument(
        "--data", action=GivenPath, help="folder of shards (default: synthetic humans, rendered)"
    )
    parser.add_argument("--body", action=GivenPath, help="body file that the shards were made with")
    parser.add_argument(
        "--minutes",
        type=within(float, 0, math.inf),
        default=math.inf,
        help="end after so long (default: after the configuration's steps)",
    )
    parser.add_argument(
        "--save-every", type=within(float, 0, math.inf), default=5.0, metavar="MINUTES", help="(default: 5)"
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda or auto (default: cpu)")
    parser.add_argument(
        "--ahead",
        type=within(int, 0, 64),
        default=1,
        metavar="BATCHES",
        help="made by threads meanwhile (default: 1)",
    )


def run(arguments: argparse.Namespace) -> None:
    check_folder(arguments.out)
    from isa_engine.pipeline.device import device_of

    arguments.device = str(device_of(arguments.device))
    config, out, minutes = arguments.config, arguments.out, arguments.minutes
    if arguments.part != "model":
        _train(arguments.part, config, out, minutes, arguments)
        return
    from isa_engine.configuration import model_config
    from isa_engine.training.assembly.assemble import assemble

    began = time.monotonic()
    name = _train("vae", config / "vae.toml", out / "vae", _VAE_SHARE * minutes, arguments)
    left = minutes - (time.monotonic() - began) / 60
    _train("dit", config / "dit.toml", out / "dit", left, arguments, autoencoder=str(out / "vae"))
    runs = [out / "vae", out / "dit"]
    if model_config(name).gate:
        found = {"autoencoder": str(out / "vae"), "start": str(out / "dit")}
        _train("gate", config / "gate.toml", out / "gate", float("inf"), arguments, **found)
        runs.append(out / "gate")
    assemble(name, runs, out / "weights")
    print(f"the weights are in {out / 'weights'}", flush=True)


def _train(
    part: str, config: Path, out: Path, minutes: float, arguments: argparse.Namespace, **changes: str
) -> str:
    """Train one part; returns the name of its model.

    Where several processes train together, each gathers the state and the pictures, for in that they wait for
    each other, and the one that leads writes them.
    """
    from isa_engine.training.runs.parallel import agreed, leads
    from isa_engine.training.runs.run import Run

    began = saved = time.monotonic()
    make = {"vae": _vae, "dit": _dit, "gate": _gate}[part]
    trainer, sample = make(config, out, arguments, **changes)
    folder = Run(out)
    if leads():
        folder.describe(trainer.settings, arguments.device)
    if (state := folder.load()) is not None:
        trainer.load(state)
        print(f"continuing after step {trainer.steps_done}", flush=True)
    if leads():
        # A processor may take minutes to render them, before anything else is told.
        print("the first clips are being made, then come the steps", flush=True)

    def save() -> None:
        state = trainer.state()
        if leads():
            folder.save(state)
        shown = sample()
        if leads():
            folder.show(trainer.steps_done, *shown)
        trainer.export(out)

    # Reading a step's losses waits until the device has finished the step. A GPU is given some steps more
    # first, so that it is never idle for long.
    together = 1 if arguments.device == "cpu" else _TOLD_TOGETHER
    untold = []
    while (gone := agreed(_gone(trainer, began, minutes))) < 1:
        untold.append((trainer.step(gone), trainer.steps_done))
        saves = agreed(time.monotonic() - saved > 60 * arguments.save_every)
        if saves or len(untold) >= together:
            _tell(untold, folder)
        if saves:
            save()
            saved = time.monotonic()
    _tell(untold, folder)
    save()
    if leads():
        print(f"step {trainer.steps_done}: weights and curves are in {out}", flush=True)
    return trainer.settings.model


def _gone(trainer: Any, began: float, minutes: float) -> float:
    """How much of a run is over, 0 to 1: by the clock, and 1 once all steps are done."""
    seconds, allowed = time.monotonic() - began, 60 * minutes
    return 1.0 if trainer.finished or seconds >= allowed else seconds / allowed


def _tell(untold: list[tuple[dict, int]], folder: Any) -> None:
    """Log and print the losses of steps, and empty the list.

    Raises:
        ModelError: a loss is not a finite number. Raised before anything is saved, so that the last
            checkpoint stays good.
    """
    from isa_engine.training.runs.parallel import leads

    for values, step in untold:
        values = {name: float(value) for name, value in values.items()}
        if not all(map(math.isfinite, values.values())):
            raise ModelError(
                f"the loss of step {step} is no finite number",
                where=str(folder.folder),
                remedy="Lower 'learning_rate'; the same command goes on from the last checkpoint.",
            )
        if leads():
            folder.log(step, values)
            losses = "  ".join(f"{name} {value:.4f}" for name, value in values.items())
            print(f"step {step}  {losses}", flush=True)
    untold.clear()


def _vae(config: Path, out: Path, arguments: argparse.Namespace) -> tuple[object, Callable]:
    """The autoencoder's trainer, and a function that gives a clip and what is made of it."""
    from isa_engine.configuration import model_config
    from isa_engine.data.clips.sources import KeptVideos, videos_of
    from isa_engine.training.batches.ahead import Ahead
    from isa_engine.training.batches.video_batches import VideoBatches
    from isa_engine.training.configuration import VAETraining, read_configuration
    from isa_engine.training.vae.samples import reconstructions
    from isa_engine.training.vae.trainer import VAETrainer

    settings = read_configuration(config, VAETraining)
    videos = videos_of(_clips(model_config(settings.model).dit.points, arguments))
    if settings.clips:
        videos = KeptVideos(videos, out / "clips", settings.clips)
    batches = Ahead(VideoBatches(settings, videos), arguments.ahead)
    trainer = VAETrainer(settings, batches, arguments.device)
    return trainer, lambda: reconstructions(trainer)


def _dit(config: Path, out: Path, arguments: argparse.Namespace, **changes: str) -> tuple[object, Callable]:
    """The transformer's trainer, and a function that gives a clip and what is made of it."""
    from isa_engine.configuration import model_config
    from isa_engine.data.samples.sources import Batches, KeptSamples, Samples, fingerprint
    from isa_engine.geometry.surface import POINTS
    from isa_engine.training.batches.ahead import Ahead
    from isa_engine.training.configuration import DiTTraining, read_configuration
    from isa_engine.training.dit.samples import generations
    from isa_engine.training.dit.trainer import DiTTrainer
    from isa_engine.training.runs.encoding_model import encoding_model
    from isa_engine.training.runs.parallel import make_accelerator

    settings = read_configuration(config, DiTTraining, **changes)
    accelerator = make_accelerator(arguments.device)
    model_settings = model_config(settings.model)
    model = encoding_model(settings, arguments.device)
    points = settings.points or model_settings.dit.points
    clips = _clips(POINTS if model_settings.reprojects else points, arguments)
    samples = Samples(model, clips, points)
    if settings.samples:
        samples = KeptSamples(samples, out / f"samples-{fingerprint(model, points)[:12]}", settings.samples)
    sizes = tuple(model_settings.canvas(size) for size in settings.sizes)
    batches = Batches(samples, settings.batch, settings.frames, sizes)
    trainer = DiTTrainer(settings, Ahead(batches, arguments.ahead, accelerator.num_processes), accelerator)
    return trainer, lambda: generations(trainer.averaged(), model, batches)


def _gate(config: Path, out: Path, arguments: argparse.Namespace, **changes: str) -> tuple[object, Callable]:
    """The gate's trainer, and a function that gives a clip and what is made of it."""
    from isa_engine.configuration import model_config, weights_folder
    from isa_engine.data.samples.sources import Batches, Samples
    from isa_engine.geometry.surface import POINTS
    from isa_engine.networks.weight_files import load_weights
    from isa_engine.training.batches.ahead import Ahead
    from isa_engine.training.configuration import GateTraining, read_configuration
    from isa_engine.training.dit.gate import GateTrainer
    from isa_engine.training.dit.samples import generations
    from isa_engine.training.runs.encoding_model import encoding_model

    settings = read_configuration(config, GateTraining, **changes)
    model_settings = model_config(settings.model)
    folder = Path(settings.start) if settings.start else weights_folder(settings.model)
    if folder is None or not model_settings.gate:
        what = "has no gate" if folder else "is not trained"
        remedy = "Name the run of its transformer with 'start'." if model_settings.gate else ""
        raise ModelError(f"'{settings.model}' {what}", where=str(config), remedy=remedy)
    model = encoding_model(settings, arguments.device)
    for part in ("dit", "image_tower"):
        load_weights(model.parts[part], folder / f"{part}.safetensors")
    samples = Samples(model, _clips(POINTS, arguments), model_settings.dit.points)
    sizes = tuple(model_settings.canvas(size) for size in settings.sizes)
    batches = Batches(samples, settings.batch, settings.frames, sizes)
    trainer = GateTrainer(settings, Ahead(batches, arguments.ahead), model)
    return trainer, lambda: generations(trainer.networks, model, batches, trainer.gate)


def _clips(points: int, arguments: argparse.Namespace) -> Callable:
    """The source of clips with so many points a character: a folder of shards, or the renderer."""
    from isa_engine.body import load_template, open_body
    from isa_engine.data.clips.sources import synthetic_clips
    from isa_engine.data.clips.stored_clips import Shards

    if arguments.data:
        bodies = (open_body(), *([load_template(arguments.body)] if arguments.body else []))
        return Shards(arguments.data, points, bodies, device=arguments.device)
    return synthetic_clips(points, arguments.device)
