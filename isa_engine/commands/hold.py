"""``isa-engine hold JOB``: let a job wait; a running one does so after its current step."""

import argparse
from contextlib import closing

from isa_engine.commands.options.connection import add_engine, connect

HELP = "let a job wait"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", help="as submit printed it")
    add_engine(parser)


def run(arguments: argparse.Namespace) -> None:
    with closing(connect(arguments)) as client:
        print(client.hold(arguments.job).state)
