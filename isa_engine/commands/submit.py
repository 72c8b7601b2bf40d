"""``isa-engine submit SHOT``: queue a shot file at an engine; its job's id on standard output."""

import argparse
from contextlib import closing
from pathlib import Path

from isa_engine.commands.connection import add_engine, connect
from isa_engine.errors import ShotError

HELP = "queue a shot file at an engine"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shot", type=Path, help="shot file, as the add-on keeps it beside its results")
    parser.add_argument("--priority", type=int, default=0, help="-100 to 100 among your own jobs")
    parser.add_argument("--key", default="", help="queues the same shot once, however often it is sent")
    add_engine(parser)


def run(arguments: argparse.Namespace) -> None:
    try:
        shot = arguments.shot.read_bytes()
    except OSError as error:
        where = str(arguments.shot)
        raise ShotError(f"cannot read the shot: {error.strerror}", where=where) from error
    with closing(connect(arguments)) as client:
        print(client.submit(shot, arguments.priority, arguments.key))
