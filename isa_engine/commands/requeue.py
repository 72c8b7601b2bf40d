"""``isa-engine requeue JOB``: queue a job anew that failed or was cancelled."""

import argparse
from contextlib import closing

from isa_engine.commands.options.connection import add_engine, connect

HELP = "queue a job anew that failed or was cancelled"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", help="as submit printed it")
    add_engine(parser)


def run(arguments: argparse.Namespace) -> None:
    with closing(connect(arguments)) as client:
        print(client.requeue(arguments.job).state)
