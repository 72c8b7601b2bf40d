"""The options that say which engine a command speaks to, the same for all commands."""

import argparse
import os

from isa_engine.client import EngineClient
from isa_engine.errors import EngineError, reason
from isa_engine.given_path import GivenPath

URL, TOKEN = "ISA_ENGINE_URL", "ISA_ENGINE_TOKEN"


def add_engine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--engine",
        metavar="URL",
        default=os.environ.get(URL, "http://127.0.0.1:8642"),
        help=f"address of the engine (default: {URL}, else http://127.0.0.1:8642)",
    )
    parser.add_argument(
        "--token-file",
        action=GivenPath,
        metavar="FILE",
        help=f"holds the engine's token (default: {TOKEN} itself)",
    )


def connect(arguments: argparse.Namespace) -> EngineClient:
    """The client of the engine that was named.

    Raises:
        EngineError: there is no token, or its file cannot be read.
    """
    # What editors and files of secrets put around it is no part of it.
    token = os.environ.get(TOKEN, "").strip()
    if arguments.token_file is not None:
        where = str(arguments.token_file)
        try:
            token = arguments.token_file.read_text(encoding="utf-8-sig").strip()
        except ValueError as error:
            remedy = "Save it as UTF-8."
            raise EngineError("the token's file is no text", where=where, remedy=remedy) from error
        except OSError as error:
            remedy = "Name the file that holds it."
            raise EngineError(
                f"cannot read the token: {reason(error)}", where=where, remedy=remedy
            ) from error
    if not token:
        # There is no option for the token itself: every user of a machine can list its processes' arguments.
        raise EngineError("there is no token", remedy=f"Set {TOKEN}, or give --token-file.")
    return EngineClient(arguments.engine, token)
