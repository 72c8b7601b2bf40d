"""``isa-engine log JOB``: what the engine's workers did over a job."""

import argparse
from contextlib import closing

from isa_engine.commands.options.connection import add_engine, connect

HELP = "show what the workers did over a job"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", help="as submit printed it")
    add_engine(parser)


def run(arguments: argparse.Namespace) -> None:
    with closing(connect(arguments)) as client:
        print(client.log(arguments.job), end="")
