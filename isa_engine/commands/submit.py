"""``isa-engine submit SHOT``: queue a shot file at an engine; its job's id on standard output."""

import argparse
from contextlib import closing
from pathlib import Path

from isa_engine.client import EngineUnreachable
from isa_engine.client.protocol import MAX_NAME
from isa_engine.commands.options.connection import add_engine, connect
from isa_engine.commands.options.remaking import add_remaking, keeping
from isa_engine.errors import ShotError
from isa_engine.results.files import take_name
from isa_engine.shot import encode_shot, read_shot

HELP = "queue a shot file at an engine"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shot", type=Path, help="shot file, as the add-on keeps it beside its results")
    parser.add_argument("--priority", type=int, default=0, help="-100 to 100 among your own jobs")
    parser.add_argument(
        "--name",
        default="",
        help="that you know it by (default: the file's; of a take's shot.npz its folder's)",
    )
    parser.add_argument("--comment", default="", help="for whoever looks after the queue")
    parser.add_argument("--key", default="", help="queues the same shot once, however often it is sent")
    add_remaking(parser)
    add_engine(parser)


def run(arguments: argparse.Namespace) -> None:
    try:
        shot = arguments.shot.read_bytes()
    except OSError as error:
        where = str(arguments.shot)
        raise ShotError(f"cannot read the shot: {error.strerror}", where=where) from error
    if arguments.of or arguments.remake:
        shot = encode_shot(keeping(arguments)(read_shot(shot)))
    with closing(connect(arguments)) as client:
        words = {"name": arguments.name or take_name(arguments.shot)[:MAX_NAME], "comment": arguments.comment}
        # An engine that is not there at all has queued nothing.
        client.health()
        try:
            print(client.submit(shot, arguments.priority, arguments.key, **words))
        except EngineUnreachable as error:
            remedy = f"{error.remedy} It may be queued: see isa-engine list. With --key it is queued once."
            raise EngineUnreachable(error.problem, where=error.where, remedy=remedy) from error
