"""``isa-engine change JOB``: give a job another priority, name or comment."""

import argparse
from contextlib import closing

from isa_engine.commands.options.connection import add_engine, connect
from isa_engine.errors import EngineError

HELP = "give a job another priority, name or comment"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", help="as submit printed it")
    parser.add_argument("--priority", type=int, help="-100 to 100 among your own jobs")
    parser.add_argument("--name", help="by which you know it")
    parser.add_argument("--comment", help="for whoever looks after the queue")
    add_engine(parser)


def run(arguments: argparse.Namespace) -> None:
    """Change what was given, and nothing else.

    Raises:
        EngineError: nothing was given, or the engine refuses the change.
    """
    given = {name: getattr(arguments, name) for name in ("priority", "name", "comment")}
    values = {name: value for name, value in given.items() if value is not None}
    if not values:
        raise EngineError("there is nothing to change", remedy="Give --priority, --name or --comment.")
    with closing(connect(arguments)) as client:
        client.change(arguments.job, **values)
