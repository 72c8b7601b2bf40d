"""``isa-engine token``: who may use the engine on a data folder; a running engine heeds changes at once."""

import argparse
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from isa_engine.client.protocol import SCOPES
from isa_engine.errors import EngineError
from isa_engine.given_path import GivenPath

if TYPE_CHECKING:
    from isa_engine.service.http.tokens import Tokens

HELP = "add, list and revoke an engine's tokens"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="make a token and print it, this once")
    add.add_argument("name", help="whose it is")
    add.add_argument("--scope", action="append", choices=SCOPES, help="may be repeated (default: jobs)")
    actions.add_parser("list", help="show all tokens, without their secrets")
    revoke = actions.add_parser("revoke", help="make a token open nothing any more")
    revoke.add_argument("id", help="as list shows it")
    for action in actions.choices.values():
        action.add_argument(
            "--data", action=GivenPath, required=True, metavar="DIR", help="the engine's data folder"
        )
        action.add_argument("--store", default="", metavar="URL", help="the engine's queue, if not there")


def run(arguments: argparse.Namespace) -> None:
    from isa_engine.service.http.tokens import Tokens
    from isa_engine.service.queue.database import Database

    try:
        database = Database(_queue(arguments), create=arguments.action == "add")
        with closing(database):
            _do(arguments, Tokens(database))
    except OSError as error:
        raise EngineError(f"the queue cannot be used: {error.strerror}", where=str(arguments.data)) from error


def _queue(arguments: argparse.Namespace) -> str | Path:
    """Where the tokens are. The first token makes the engine's folder; nothing else makes one.

    Raises:
        EngineError: there is no queue, or the folder cannot be made.
        OSError: the folder cannot be written.
    """
    from isa_engine.service.files.folders import Folders
    from isa_engine.service.upkeep import custody, lock

    if arguments.store:
        return arguments.store
    if arguments.action != "add":
        return custody.queue_in(arguments.data)
    lock.make(arguments.data)
    return Folders(arguments.data).queue


def _do(arguments: argparse.Namespace, tokens: "Tokens") -> None:
    if arguments.action == "add":
        print(tokens.add(arguments.name, tuple(arguments.scope or ("jobs",))))
    elif arguments.action == "revoke":
        tokens.revoke(arguments.id)
    else:
        for token in tokens.list():
            day = time.strftime("%Y-%m-%d", time.localtime(token.created))
            state = "good" if token.revoked is None else "revoked"
            print(f"{token.id} {day} {state:7} {','.join(token.scopes):12} {token.name}")
