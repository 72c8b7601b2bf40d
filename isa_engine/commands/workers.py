"""``isa-engine workers``: every worker of an engine, when it was last heard of and what it does; needs the
scope ``admin``."""

import argparse
import time
from contextlib import closing

from isa_engine.commands.options.connection import add_engine, connect

HELP = "list the workers of an engine"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--forgive", type=int, metavar="N", help="let worker N, which was blocked, take jobs again"
    )
    add_engine(parser)


def run(arguments: argparse.Namespace) -> None:
    with closing(connect(arguments)) as client:
        if arguments.forgive is not None:
            client.forgive(arguments.forgive)
        for worker in client.workers():
            seen = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(worker.seen))
            doing = (
                f"{worker.job} {worker.phase} {worker.step}/{worker.steps}" if worker.job else worker.trouble
            )
            print(f"{worker.number} {worker.state:8} {worker.device} {seen} {doing}".rstrip())
