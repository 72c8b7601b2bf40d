"""``isa-engine``: the engine's command line."""

import argparse
import importlib
import os
import sys

from isa_engine import __version__
from isa_engine.errors import IsaError

COMMANDS = (
    *(
        "generate",
        "deliver",
        "controls",
        "serve",
        "submit",
        "watch",
        "fetch",
        "cancel",
        "requeue",
        "hold",
        "resume",
        "change",
        "list",
        "log",
        "workers",
        "token",
        "queue",
        "record",
        "doctor",
    ),
    *("model", "bench", "train", "synthesize", "ingest", "shards", "evaluate", "farm", "track"),
)
# How often a thread of the network looks whether the others are done before it sleeps. They meet hundreds of
# times a step: where a busy program keeps one from a processor, by default the others spend theirs on waiting
# for it, and a step takes ten times as long or more. So few turns cost an idle machine nothing
# (docs/efficiency.md). GNU's OpenMP, which torch has on Linux, reads it when torch is imported; processes
# that a command starts inherit it.
_TURNS = "GOMP_SPINCOUNT", "3000"


def main(argv: list[str] | None = None) -> int:
    """Run a command; its exit code. An error that a person can act on is one sentence on stderr."""
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault(*_TURNS)
    parser = argparse.ArgumentParser(prog="isa-engine", description="The engine's command line.")
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        module = importlib.import_module(f"isa_engine.commands.{name}")
        command = subparsers.add_parser(name, help=module.HELP, description=module.__doc__.replace("``", ""))
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    arguments = parser.parse_args(argv)
    try:
        arguments.run(arguments)
        # Here, where a closed pipe is caught, and not as Python ends.
        sys.stdout.flush()
    except IsaError as error:
        print(f"isa-engine: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read the output has seen enough (| head). Python would flush once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
