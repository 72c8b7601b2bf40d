"""The command line of ``isa_synthesize``: many clips, progress on stdout, and going on where a run ended.

Exit codes: 0 all clips are there, 1 one cannot be made and stderr says why, 2 the command is wrong, 130
interrupted.
"""

import argparse
import threading
import time
from pathlib import Path

from isa_engine.data.scenario.split import HELD_OUT, TRAINING
from isa_engine.errors import Cancelled, DataError, reason
from isa_engine.given_path import GivenPath
from isa_engine.out_folder import make_folder

from ..blender.command import exit_code
from .clip import Wishes, render_clip

_SPLITS = {split.name: split for split in (TRAINING, HELD_OUT)}


def main(argv: list[str], program: str) -> int:
    """Run the command; the exit code."""
    parser = argparse.ArgumentParser(prog=program, description="Film synthetic humans with Cycles.")
    parser.add_argument("--out", action=GivenPath, required=True, metavar="DIR", help="folder for the clips")
    parser.add_argument("--clips", type=_positive, default=1, metavar="N")
    parser.add_argument("--seed", type=int, default=0, help="of the first clip; the next has the next one")
    parser.add_argument("--frames", type=_positive, default=33, metavar="F", help="of each clip")
    parser.add_argument("--size", type=_size, default=(128, 128), metavar="WxH", help="in pixels")
    parser.add_argument("--samples", type=_positive, default=16, metavar="n", help="a pixel")
    parser.add_argument("--split", choices=list(_SPLITS), default=TRAINING.name)
    arguments = parser.parse_args(argv)
    wishes = Wishes(arguments.frames, arguments.size, arguments.samples, _SPLITS[arguments.split])

    def work(stop: threading.Event) -> None:
        make_folder(arguments.out)
        for seed in range(arguments.seed, arguments.seed + arguments.clips):
            _clip(arguments.out.absolute() / f"{arguments.split}-{seed:06}", seed, wishes, stop)

    return exit_code("isa_synthesize", work)


def _clip(folder: Path, seed: int, wishes: Wishes, stop: threading.Event) -> None:
    if folder.exists():
        print(f"{folder.name} is there", flush=True)
        return
    began = time.monotonic()

    def report(done: int, wanted: int) -> None:
        print(f"{folder.name} {done}/{wanted}", flush=True)
        if stop.is_set():
            raise Cancelled

    try:
        render_clip(folder, seed, wishes, report)
    except OSError as error:
        raise DataError(f"the folder cannot be written: {reason(error)}", where=str(folder)) from error
    print(f"{folder.name} done in {time.monotonic() - began:.0f} s", flush=True)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a positive number")
    return int(text)


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return _positive(width), _positive(height)
