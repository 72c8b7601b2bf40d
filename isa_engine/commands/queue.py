"""``isa-engine queue``: whether an engine's queue and results are whole; copies of the queue, and back."""

import argparse

from isa_engine.errors import EngineError
from isa_engine.given_path import GivenPath

HELP = "check, back up and restore an engine's queue"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("check", help="read the queue and every result, and say what is damaged or missing")
    backup = actions.add_parser(
        "backup", help="copy the queue, of a running engine, too; files stay out of it"
    )
    backup.add_argument("file", action=GivenPath, help="the copy; what stands there is replaced")
    restore = actions.add_parser("restore", help="bring a copy back; the engine must not run")
    restore.add_argument(
        "file",
        action=GivenPath,
        nargs="?",
        help="the copy (default: the newest whole one of the engine's own)",
    )
    for action in actions.choices.values():
        action.add_argument(
            "--data", action=GivenPath, required=True, metavar="DIR", help="the engine's data folder"
        )


def run(arguments: argparse.Namespace) -> None:
    """Check, back up or restore, and print what was found or written.

    Raises:
        EngineError: something is damaged or missing, or cannot be done.
    """
    try:
        _do(arguments)
    except OSError as error:
        where = str(arguments.data)
        raise EngineError(f"the queue or its files cannot be used: {error.strerror}", where=where) from error


def _do(arguments: argparse.Namespace) -> None:
    from isa_engine.service.upkeep import custody

    if arguments.action == "check":
        findings = custody.check(arguments.data)
        for finding in findings:
            print(finding)
        if findings:
            raise EngineError(f"{len(findings)} things are not as they should be", where=str(arguments.data))
        print("The queue and all its results are whole.")
    elif arguments.action == "backup":
        custody.back_up(arguments.data, arguments.file)
        print(arguments.file)
    else:
        print(custody.restore(arguments.data, arguments.file))
