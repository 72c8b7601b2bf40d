"""``isa-engine watch JOB``: a job's progress as it happens, until it is over."""

import argparse
from contextlib import closing

from isa_engine.commands.options.connection import add_engine, connect
from isa_engine.errors import EngineError

HELP = "show a job's progress until it is over"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", help="as submit printed it")
    parser.add_argument("--after", type=int, default=0, metavar="N", help="begin after this event")
    add_engine(parser)


def run(arguments: argparse.Namespace) -> None:
    with closing(connect(arguments)) as client:
        for event in client.watch(arguments.job, arguments.after):
            progress = f" {event.phase} {event.step}/{event.steps}" if event.phase else ""
            print(f"{event.number} {event.state}{progress}", flush=True)
        status = client.job(arguments.job)
    if status.state != "done":
        raise EngineError(status.error or f"the job was {status.state}")
