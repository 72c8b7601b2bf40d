"""``isa-engine list``: the newest jobs of an engine, newest first."""

import argparse
import time
from contextlib import closing

from isa_engine.client.protocol import TRANSITIONS
from isa_engine.commands.connection import add_engine, connect

HELP = "list the jobs of an engine"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--state", choices=TRANSITIONS, help="only those")
    parser.add_argument("--limit", type=int, default=50, help="of that many (default: %(default)s)")
    add_engine(parser)


def run(arguments: argparse.Namespace) -> None:
    with closing(connect(arguments)) as client:
        for job in client.jobs(arguments.state, arguments.limit):
            created = time.strftime("%Y-%m-%d %H:%M", time.localtime(job.created))
            progress = f"{job.phase} {job.step}/{job.steps}" if job.phase and not job.over else ""
            print(f"{job.id} {created} {job.state:9} {job.error or progress}".rstrip())
