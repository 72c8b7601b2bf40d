"""The licence of a folder of weights."""

import re
from pathlib import Path

from isa_engine.errors import ModelError

# What names it, in a folder or in a repository.
FILES = "LICENSE*", "LICENCE*", "README.md"
_README = re.compile(r"\A---\n.*?^licen[sc]e: *([^\n]+)$", re.DOTALL | re.MULTILINE)


def licence_of(folder: Path) -> str:
    """The licence that a folder tells of, in its own words, and where.

    Raises:
        ModelError: it tells of none.
    """
    for path in sorted(folder.glob("LICEN[SC]E*")):
        lines = [line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
        if said := " ".join(filter(None, lines))[:80]:
            return f"{said} ({path.name})"
    readme = folder / "README.md"
    if readme.is_file() and (found := _README.match(readme.read_text(encoding="utf-8", errors="replace"))):
        return f"{found[1].strip()} (README.md)"
    remedy = "Put the model's LICENSE or README.md, as its makers publish it, into the folder."
    raise ModelError("the folder tells of no licence", where=str(folder), remedy=remedy)
