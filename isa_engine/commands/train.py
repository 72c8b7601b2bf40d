"""``isa-engine train vae|dit``: train, or continue to train, and leave weights and curves."""

import argparse
import time
from pathlib import Path

from isa_engine.errors import ModelError

HELP = "train a model's autoencoder or transformer"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("part", choices=("vae", "dit"))
    parser.add_argument(
        "--config", type=Path, required=True, help="TOML file, see isa_engine.training.configuration"
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="folder of the run; one with a checkpoint is continued"
    )
    parser.add_argument(
        "--minutes", type=float, default=float("inf"), help="stop after so long; run again to go on"
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--save-every", type=float, default=5.0, metavar="MINUTES", help="between two checkpoints"
    )


def run(arguments: argparse.Namespace) -> None:
    from isa_engine.training.run import Run

    trainer = _vae_trainer(arguments) if arguments.part == "vae" else _dit_trainer(arguments)
    folder = Run(arguments.out)
    if (state := folder.load()) is not None:
        trainer.load(state)
        print(f"continuing after step {trainer.steps_done}", flush=True)
    began = saved = time.monotonic()
    while not trainer.finished and time.monotonic() - began < 60 * arguments.minutes:
        values = trainer.step()
        if trainer.steps_done % 50 == 0:
            folder.log(trainer.steps_done, values)
            losses = "  ".join(f"{name} {value:.4f}" for name, value in values.items())
            print(f"step {trainer.steps_done}  {losses}", flush=True)
        if time.monotonic() - saved > 60 * arguments.save_every:
            folder.save(trainer.state())
            saved = time.monotonic()
    folder.save(trainer.state())
    trainer.export(arguments.out)
    print(f"step {trainer.steps_done}: weights are in {arguments.out}", flush=True)


def _vae_trainer(arguments: argparse.Namespace):
    from isa_engine.data.sources import synthetic_videos
    from isa_engine.training.configuration import VAETraining, read_configuration
    from isa_engine.training.vae import VAETrainer

    settings = read_configuration(arguments.config, VAETraining)
    return VAETrainer(settings, synthetic_videos(arguments.device), arguments.device)


def _dit_trainer(arguments: argparse.Namespace):
    from isa_engine.data.sources import SyntheticBatches
    from isa_engine.pipeline import load_model
    from isa_engine.training.configuration import DiTTraining, read_configuration
    from isa_engine.training.dit import DiTTrainer

    settings = read_configuration(arguments.config, DiTTraining)
    if settings.precision not in ("fp32", "bf16"):
        raise ModelError(
            f"precision is '{settings.precision}'", where=str(arguments.config), remedy="Use fp32 or bf16."
        )
    model = load_model(settings.model, arguments.device)
    return DiTTrainer(settings, SyntheticBatches(model, settings.batch, settings.frames, settings.sizes))
