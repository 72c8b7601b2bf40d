"""``isa-engine record check FILE``: whether a result is what its record and its credentials say."""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

from isa_engine.errors import EngineError, reason
from isa_engine.given_path import GivenPath
from isa_engine.results.files import RECORD

HELP = "check a result against its record and its content credentials"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="check a plate or a matte")
    check.add_argument("file", action=GivenPath, help="plate.mp4 or matte.mp4")
    check.add_argument("--record", action=GivenPath, help="its record (default: record.json beside it)")
    check.add_argument(
        "--trust",
        action=GivenPath,
        metavar="FILE",
        help="PEM of certificates; what none of them signed is not ours",
    )


def run(arguments: argparse.Namespace) -> None:
    """Print each claim that holds; the first that does not is raised.

    Raises:
        EngineError: the file is not its record's, its tags or credentials say something else, it is signed by
            nobody whom ``--trust`` names, or it cannot be read.
    """
    from isa_engine.results.provenance import claims, read_credentials
    from isa_engine.results.record import container_tags

    file = arguments.file
    record, digest, tags = _record(arguments), *_said(file)
    try:
        expected = container_tags(record, tags.get("title", ""))
        name = next((name for name, known in record["results"].items() if known == digest), None)
        stated = claims(record, name or "")
    except (KeyError, TypeError, AttributeError) as error:
        raise EngineError("this is no record of a take", where=str(_place(arguments))) from error
    if name is None:
        raise EngineError("the file is not the one that the record is of", where=str(file))
    print(f"file: {name}, as the record says")
    wrong = [name for name, value in expected.items() if _comparable(tags.get(name)) != _comparable(value)]
    if wrong:
        raise EngineError(f"the container's {wrong[0]} is not what the record says", where=str(file))
    for name in ("comment", "creation_time"):
        if name in expected:
            print(f"{name}: {expected[name]}")
    credentials = read_credentials(file, _certificates(arguments.trust))
    if arguments.trust and not (credentials and credentials["trusted"]):
        signer = credentials["signed_by"] or "someone without a name" if credentials else "nobody"
        raise EngineError(f"the file is not ours: {signer} signed it", where=str(file))
    if credentials is None:
        print("content credentials: none")
    elif not credentials["valid"]:
        raise EngineError(
            f"the content credentials do not hold: {', '.join(credentials['problems'])}", where=str(file)
        )
    elif credentials["claims"] != stated:
        raise EngineError("the content credentials are of another result", where=str(file))
    else:
        signer = credentials["signed_by"] or "someone without a name"
        asked = "whose key is trusted" if arguments.trust else "whose key nobody vouched for: give --trust"
        print(f"content credentials: whole, signed by {signer}, {asked}")


def _place(arguments: argparse.Namespace) -> Path:
    return arguments.record or arguments.file.with_name(RECORD)


def _record(arguments: argparse.Namespace) -> dict[str, Any]:
    """What was written down of a result."""
    path = _place(arguments)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        problem = f"the record cannot be read: {reason(error)}"
        raise EngineError(problem, where=str(path), remedy="Name it with --record.") from error
    except ValueError as error:
        raise EngineError("the record is damaged", where=str(path)) from error


def _said(file: Path) -> tuple[str, dict[str, str]]:
    """A movie's SHA-256, and what its container says."""
    import av

    try:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        # A playlist could name any other file.
        with av.open(str(file), format="mp4") as movie:
            return digest, dict(movie.metadata)
    except av.error.FFmpegError as error:
        raise EngineError(
            "the file is no movie", where=str(file), remedy="Give a plate or a matte."
        ) from error
    except OSError as error:
        raise EngineError(f"the file cannot be read: {reason(error)}", where=str(file)) from error


def _certificates(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text()
    except (OSError, ValueError) as error:
        raise EngineError(f"cannot read the certificates: {reason(error)}", where=str(path)) from error


def _comparable(value: str | None) -> str | None:
    """A tag's value without the microseconds that a container adds to a time."""
    return value and value.replace(".000000Z", "Z")
