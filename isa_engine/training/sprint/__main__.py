"""``python -m isa_engine.training.sprint probe|train|unpack``, see docs/training.md."""

import argparse
import importlib.util
import json
import os
import sys
import tempfile
import traceback
from pathlib import Path

from isa_engine.errors import IsaError, ModelError
from isa_engine.given_path import GivenPath
from isa_engine.out_folder import make_folder
from isa_engine.training.sprint.clock import Clock

# Seconds that a run takes to end: the last sheet and the last weights.
_ENDING = 20.0
# Seconds that must be left for a restart to learn anything.
_WORTH_A_RESTART = 60.0
# Variables of a process on a GPU, which libraries read when they are loaded. Several threads for an operation
# on the processor would wait for one another while the feeder's writers have the cores, and a step issues
# thousands of kernels meanwhile; without expandable segments, batches of many shapes would each take memory.
FEW_THREADS = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
FEW_THREADS["PYTORCH_ALLOC_CONF"] = "expandable_segments:True"
# Modules that training imports, and the packages that they are in.
_NEEDED = {
    "accelerate": "accelerate",
    "diffusers": "diffusers",
    "einops": "einops",
    "ftfy": "ftfy",
    "open_clip": "open_clip_torch",
    "peft": "peft",
    "PIL": "pillow",
    "safetensors": "safetensors",
    "tensorboard": "tensorboard",
    "torch": "torch",
    "torchvision": "torchvision",
    "wcwidth": "wcwidth",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one of them; returns the exit status."""
    given = _parser().parse_args(arguments)
    if getattr(given, "device", "cpu") == "cuda":
        _with_few_threads(sys.argv[1:] if arguments is None else arguments)
    clock = Clock(getattr(given, "minutes", 0.0), _ENDING if given.do == "train" else 0.0)
    try:
        missing = [package for module, package in _NEEDED.items() if importlib.util.find_spec(module) is None]
        if missing:
            raise ModelError(f"not installed: {', '.join(missing)}", remedy="Bring them as wheels.")
        {"probe": _probe, "train": _train, "unpack": _unpack}[given.do](given, clock)
    except IsaError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _with_few_threads(arguments: list[str]) -> None:
    """This process becomes one that has ``FEW_THREADS``, if it has not; and its threads take turns often."""
    if any(name not in os.environ for name in FEW_THREADS):
        os.environ |= {**FEW_THREADS, **os.environ}
        os.execv(sys.executable, [sys.executable, "-m", "isa_engine.training.sprint", *arguments])
    import torch

    # cuDNN plans attention anew for every shape, and batches have many.
    torch.backends.cuda.enable_cudnn_sdp(False)
    # The thread that issues kernels gets its turn from those that stage batches after half a millisecond, not
    # after Python's five.
    sys.setswitchinterval(5e-4)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m isa_engine.training.sprint", description=__doc__)
    commands = parser.add_subparsers(dest="do", required=True)
    probe = commands.add_parser("probe", help="start rendering clips, and measure what the machine can do")
    train = commands.add_parser("train", help="learn for so many minutes")
    train.add_argument("part", choices=("dit", "vae"))
    for command, minutes in ((probe, 1.8), (train, None)):
        command.add_argument("--config", action=GivenPath, required=True, help="recipe (TOML)")
        command.add_argument("--minutes", type=float, default=minutes, required=minutes is None)
        command.add_argument(
            "--out", action=GivenPath, required=minutes is None, help="folder of what comes back"
        )
        command.add_argument("--device", default="cuda")
        command.add_argument("--ring", default="isa-ring", help="name of the ring of clips")
        command.add_argument("--writers", type=int, help="processes that render (two for three cores)")
    train.add_argument("--start", action=GivenPath, help="what an earlier sprint left, or a run's folder")
    train.add_argument("--eager", action="store_true", help="do not compile")
    unpack = commands.add_parser("unpack", help="make a run's folder of what came back")
    unpack.add_argument("folder", action=GivenPath)
    unpack.add_argument("run", action=GivenPath)
    return parser


def _probe(given: argparse.Namespace, clock: Clock) -> None:
    from isa_engine.training.configuration import read_configuration
    from isa_engine.training.sprint.probe import probe, table
    from isa_engine.training.sprint.recipe import SprintTraining
    from isa_engine.training.sprint.ring_place import PROBED

    if given.out:
        make_folder(given.out)
    settings = read_configuration(given.config, SprintTraining)
    found = probe(settings, given.device, clock, given.ring, given.writers)
    print("\n" + table(found) + "\n\n" + json.dumps(found), flush=True)
    if given.out:
        (given.out / PROBED).write_text(json.dumps(found, indent=2) + "\n")


def _train(given: argparse.Namespace, clock: Clock) -> None:
    from isa_engine.training.configuration import VAETraining
    from isa_engine.training.sprint.outputs import check
    from isa_engine.training.sprint.recipe import SprintTraining, read_recipe

    compiled = given.device == "cuda" and not given.eager
    if given.part == "dit":
        from isa_engine.training.sprint.transformer import TransformerSprint as Sprint

        kind = SprintTraining
    else:
        from isa_engine.training.sprint.autoencoder import AutoencoderSprint as Sprint

        kind = VAETraining
    # A minute of a lent GPU is lost to no place that cannot be written.
    make_folder(given.out)
    learned = False
    with tempfile.TemporaryDirectory(prefix="isa-sprint-") as folder:
        start, story = Path(folder, "start"), Path(folder, "story")
        settings = read_recipe(given.config, kind, given.start, start)
        try:
            Sprint(settings, given.out, story, clock, given.device, given.ring, compiled, given.writers)()
            learned = True
        except Exception:
            traceback.print_exc()
            if given.eager or clock.left < _WORTH_A_RESTART:
                raise
    if not learned:
        # A GPU that failed once fails this process for good: another goes on from the last minute's weights.
        _restart(given, clock)
    check(given.out)
    print(f"the weights are in {given.out}: make a run of them with 'unpack'", flush=True)


def _restart(given: argparse.Namespace, clock: Clock) -> None:
    """This process becomes another one, which does without what may have failed, for the time left."""
    from isa_engine.training.sprint.outputs import is_sprint

    start = given.out if is_sprint(given.out) else given.start
    options = {
        "--config": given.config,
        "--minutes": (clock.left + _ENDING) / 60,
        "--out": given.out,
        "--device": given.device,
        "--ring": given.ring,
        "--writers": given.writers,
        "--start": start,
    }
    told = [part for name, value in options.items() if value is not None for part in (name, str(value))]
    command = [sys.executable, "-m", "isa_engine.training.sprint", "train", given.part, *told, "--eager"]
    sys.stdout.flush()
    os.execv(sys.executable, command)


def _unpack(given: argparse.Namespace, clock: Clock) -> None:
    from isa_engine.training.sprint.outputs import unpack

    unpack(given.folder, given.run)
    print(f"{given.run} is a run: python -m isa_engine.training.assembly.assemble bundles it", flush=True)


if __name__ == "__main__":
    sys.exit(main())
