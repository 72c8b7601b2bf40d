"""``isa-engine resume JOB``: let a job that waits go on, from its last step."""

import argparse
from contextlib import closing

from isa_engine.commands.options.connection import add_engine, connect

HELP = "let a job that was held go on"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", help="as submit printed it")
    add_engine(parser)


def run(arguments: argparse.Namespace) -> None:
    with closing(connect(arguments)) as client:
        print(client.resume(arguments.job).state)
