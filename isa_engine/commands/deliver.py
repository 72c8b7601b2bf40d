"""``isa-engine deliver RESULTS --as prores``: the people of a plate with alpha, for other programs."""

import argparse

from isa_engine.given_path import GivenPath
from isa_engine.results.files import PEOPLE

HELP = "write a take's people with alpha: ProRes 4444, PNG or OpenEXR"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("results", action=GivenPath, help="folder with plate.mp4 and matte.mp4")
    parser.add_argument("--as", dest="kind", choices=list(PEOPLE), default="prores", help="(default: prores)")
    parser.add_argument(
        "--out", action=GivenPath, help="the movie, or the pictures' folder (default: in RESULTS)"
    )


def run(arguments: argparse.Namespace) -> None:
    from isa_engine.results.delivery import deliver

    print(f"people: {deliver(arguments.results, arguments.kind, arguments.out)}", flush=True)
