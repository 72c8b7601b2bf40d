"""``isa-engine submit SHOT``: queue a shot file at an engine; its job's id on standard output."""

import argparse
import sys
from contextlib import closing
from functools import partial

from isa_engine.client import EngineClient, EngineUnreachable
from isa_engine.client.protocol import MAX_NAME
from isa_engine.commands.options.connection import add_engine, connect
from isa_engine.commands.options.part import add_part, part_of
from isa_engine.commands.options.remaking import add_remaking, keeping
from isa_engine.commands.options.wishes import add_wishes, wished, with_wishes
from isa_engine.errors import ModelError
from isa_engine.given_path import GivenPath
from isa_engine.models import KINDS, Description
from isa_engine.results.files import take_name
from isa_engine.shot import encode_shot, read_shot
from isa_engine.shot.file import cannot_read

HELP = "queue a shot file at an engine"
# Beside wishes, the options that change the shot.
_CHANGES = "frames", "preset", "of", "remake"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shot", action=GivenPath, help="shot file, as the add-on keeps it beside its results")
    parser.add_argument("--priority", type=int, default=0, help="-100 to 100 among your own jobs")
    parser.add_argument(
        "--name",
        default="",
        help="that you know it by (default: the file's; of a take's shot.npz its folder's)",
    )
    parser.add_argument("--comment", default="", help="for whoever looks after the queue")
    parser.add_argument("--key", default="", help="queues the same shot once, however often it is sent")
    add_part(parser)
    add_wishes(parser, "the shot's")
    add_remaking(parser)
    add_engine(parser)


def run(arguments: argparse.Namespace) -> None:
    try:
        packed = arguments.shot.read_bytes()
    except OSError as error:
        raise cannot_read(arguments.shot, error) from error
    with closing(connect(arguments)) as client:
        # An engine that is not there at all has queued nothing.
        client.health()
        packed = _changed(packed, arguments, client)
        words = {"name": arguments.name or take_name(arguments.shot)[:MAX_NAME], "comment": arguments.comment}
        try:
            print(client.submit(packed, arguments.priority, arguments.key, **words))
        except EngineUnreachable as error:
            remedy = f"{error.remedy} It may be queued: see isa-engine list. With --key it is queued once."
            raise EngineUnreachable(error.problem, where=error.where, remedy=remedy) from error


def _changed(packed: bytes, arguments: argparse.Namespace, client: EngineClient) -> bytes:
    """The shot file as the options want it; as it lies there, and not even read, where they want nothing."""
    if not (wished(arguments) or any(getattr(arguments, name) for name in _CHANGES)):
        return packed
    shot = part_of(read_shot(packed), arguments)
    # On standard output is the job's id alone.
    shot = with_wishes(shot, arguments, partial(_described, client), partial(print, file=sys.stderr))
    return encode_shot(keeping(arguments)(shot))


def _described(client: EngineClient, model: str) -> Description:
    """A model as the engine describes it: this machine may not have it.

    Raises:
        ModelError: the engine has none of that name, or of a kind that is not known here.
    """
    there = {info.name: info for info in client.models() if info.kind in KINDS}
    if model not in there:
        remedy = f"Choose one of: {', '.join(there)}."
        raise ModelError(f"the engine has no model '{model}'", remedy=remedy)
    return KINDS[there[model].kind].told(model, there[model].facts)
