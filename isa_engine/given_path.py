"""Paths as people and their scripts give them."""

import argparse
import os
import re
from pathlib import Path
from typing import Any

from isa_engine.errors import IsaError, reason

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def given_path(text: str, what: str, where: str = "") -> Path:
    """The path that a text names; a leading ``~`` is the home folder, as shells have it only without quotes.

    Args:
        what: names it, for the errors: "--out".
        where: it was found, if that is not plain.

    Raises:
        IsaError: it is empty, which would be the current folder, has characters that nobody sees, begins with
            the home folder of nobody, or the system does not even look whether something is there.
    """
    if not text.strip():
        remedy = "Name a file or folder; of a script, see whether its variable is set."
        raise IsaError(f"{what} is empty", where=where, remedy=remedy)
    if _CONTROL.search(text):
        remedy = "Name it without these; of a script, see how its lines end."
        raise IsaError(
            f"{what} is {text!r}, which has line breaks or the like in it", where=where, remedy=remedy
        )
    # Not the path's own method, for which "./~" is no other place than "~".
    found = os.path.expanduser(text)
    if found.startswith("~"):
        remedy = f"Give the whole path; of a folder with that very name, './{text}'."
        raise IsaError(f"{what} is '{text}', and there is no such home folder", where=where, remedy=remedy)
    try:
        os.lstat(found)
    except (FileNotFoundError, NotADirectoryError):
        # Who uses it says so, or makes it.
        pass
    except OSError as error:
        # Too long a name, for instance: a path's own methods would raise wherever they are asked about it.
        remedy = "Name another file or folder."
        raise IsaError(f"{what} cannot be used: {reason(error)}", where=found, remedy=remedy) from error
    return Path(found)


class GivenPath(argparse.Action):
    """An option or argument of a command line that names a file or folder; each of several is one.

    What names none ends the program with one sentence and exit status 1, before anything else is done.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        what = option_string or str(self.metavar or self.dest)
        try:
            if isinstance(values, list):
                found: Any = [given_path(text, what) for text in values]
            else:
                # What may be left out, and is, has its default.
                found = given_path(values, what) if isinstance(values, str) else values
        except IsaError as error:
            parser.exit(1, f"{parser.prog}: {error}\n")
        setattr(namespace, self.dest, found)
