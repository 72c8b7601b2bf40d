"""``isa-engine synthesize``: render synthetic humans into shards; a run that was stopped goes on."""

import argparse
import time

from isa_engine.data.scenario.split import SPLITS, TRAINING
from isa_engine.given_path import GivenPath
from isa_engine.out_folder import check_folder

HELP = "render synthetic humans into shards for training"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", action=GivenPath, required=True, help="folder; one with shards is continued")
    parser.add_argument("--clips", type=int, required=True, help="how many the folder is to have")
    parser.add_argument("--seed", type=int, default=0, help="of the first clip (default: 0)")
    parser.add_argument(
        "--frames", type=int, nargs="+", default=[33], help="lengths to draw from (default: 33)"
    )
    parser.add_argument(
        "--size",
        type=canvas,
        nargs="+",
        default=[(128, 128)],
        metavar="WxH",
        help="canvases to draw from (default: 128x128)",
    )
    parser.add_argument(
        "--split",
        choices=[split.name for split in SPLITS],
        default=TRAINING.name,
        help="to train or to measure (default: training)",
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda or auto (default: cpu)")
    parser.add_argument("--workers", type=int, default=1, help="processes that render (default: 1)")


def canvas(text: str) -> tuple[int, int]:
    """``128x96`` as ``(width, height)``."""
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise argparse.ArgumentTypeError(f"'{text}' is not WIDTHxHEIGHT")
    return int(width), int(height)


def run(arguments: argparse.Namespace) -> None:
    check_folder(arguments.out)
    from isa_engine.data.clips.synthesize import Synthesis, synthesize
    from isa_engine.pipeline.device import device_of

    device = str(device_of(arguments.device))
    settings = Synthesis(arguments.seed, tuple(arguments.frames), tuple(arguments.size), arguments.split)
    began, first = time.monotonic(), None

    def report(done: int, clips: int) -> None:
        nonlocal first
        first = done if first is None else first
        rate = (done - first) / max(time.monotonic() - began, 1e-9)
        left = f", {(clips - done) / rate / 60:.0f} minutes left" if rate else ""
        print(f"\r{done} of {clips} clips{left}   ", end="", flush=True)

    try:
        synthesize(arguments.out, arguments.clips, settings, device, arguments.workers, report)
    finally:
        print()
    print(f"shards are in {arguments.out}")
