"""``isa-engine cancel JOB``: end a job, a running one after its current step."""

import argparse
from contextlib import closing

from isa_engine.commands.options.connection import add_engine, connect

HELP = "end a job, or delete one that is over"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", help="as submit printed it")
    parser.add_argument("--delete", action="store_true", help="forget it with its files; it must be over")
    add_engine(parser)


def run(arguments: argparse.Namespace) -> None:
    with closing(connect(arguments)) as client:
        if arguments.delete:
            client.delete(arguments.job)
        else:
            print(client.cancel(arguments.job).state)
