"""``isa-engine train vae|dit``: train, or continue to train, and leave weights, curves and pictures."""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

HELP = "train a model's autoencoder or transformer"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("part", choices=("vae", "dit"))
    parser.add_argument(
        "--config", type=Path, required=True, help="TOML, see isa_engine.training.configuration"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder; one with a checkpoint is continued")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after so long")
    parser.add_argument("--save-every", type=float, default=5.0, metavar="MINUTES")
    parser.add_argument("--device", default="cpu")


def run(arguments: argparse.Namespace) -> None:
    from isa_engine.training.run import Run

    trainer, picture = (_vae if arguments.part == "vae" else _dit)(arguments)
    folder = Run(arguments.out)
    if (state := folder.load()) is not None:
        trainer.load(state)
        print(f"continuing after step {trainer.steps_done}", flush=True)

    def save() -> None:
        folder.save(trainer.state())
        folder.picture(trainer.steps_done, "truth above", picture())
        trainer.export(arguments.out)

    began = saved = time.monotonic()
    while not trainer.finished and time.monotonic() - began < 60 * arguments.minutes:
        values = trainer.step()
        folder.log(trainer.steps_done, values)
        losses = "  ".join(f"{name} {value:.4f}" for name, value in values.items())
        print(f"step {trainer.steps_done}  {losses}", flush=True)
        if time.monotonic() - saved > 60 * arguments.save_every:
            save()
            saved = time.monotonic()
    save()
    print(f"step {trainer.steps_done}: weights and curves are in {arguments.out}", flush=True)


def _vae(arguments: argparse.Namespace) -> tuple[object, Callable]:
    """The trainer, and what makes its picture."""
    from isa_engine.data.sources import KeptVideos, synthetic_videos
    from isa_engine.training.configuration import VAETraining, read_configuration
    from isa_engine.training.samples import reconstructions
    from isa_engine.training.vae import VAETrainer

    settings = read_configuration(arguments.config, VAETraining)
    videos = synthetic_videos(arguments.device)
    if settings.clips:
        videos = KeptVideos(videos, arguments.out / "clips", settings.clips)
    trainer = VAETrainer(settings, videos, arguments.device)
    return trainer, lambda: reconstructions(trainer)


def _dit(arguments: argparse.Namespace) -> tuple[object, Callable]:
    """The trainer, and what makes its picture."""
    from isa_engine.configuration import model_config, weights_folder
    from isa_engine.data.samples import Batches, KeptSamples, Samples
    from isa_engine.data.sources import synthetic_clips
    from isa_engine.pipeline.model import build_model
    from isa_engine.training.configuration import DiTTraining, read_configuration
    from isa_engine.training.dit import DiTTrainer
    from isa_engine.training.samples import generations

    settings = read_configuration(arguments.config, DiTTraining)
    config = model_config(settings.model)
    folder = Path(settings.autoencoder) if settings.autoencoder else weights_folder(settings.model)
    model = build_model(config, folder, arguments.device, read=("vae", "matte_head"))
    samples = Samples(model, synthetic_clips(config.dit.points, arguments.device))
    if settings.samples:
        samples = KeptSamples(samples, arguments.out / f"samples-{model.weights[:12]}", settings.samples)
    sizes = tuple(config.canvas(size) for size in settings.sizes)
    batches = Batches(samples, settings.batch, settings.frames, sizes)
    trainer = DiTTrainer(settings, batches)
    return trainer, lambda: generations(trainer.averaged(), model, batches)
