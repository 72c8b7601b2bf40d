"""The defences of ``defences.toml``.

The texts are those of the code, so that a defence which is written anew cannot be forgotten.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Defence:
    """One line that stands against one threat.

    Attributes:
        threat: first column of the row of ``docs/security.md``.
        test: of the row, as pytest has it; what does not begin with ``tests/`` is in ``tests/service``.
        file: that the line is in.
        old, new: what it says, and what it says where the defence is taken out.
    """

    threat: str
    test: str
    file: str
    old: str
    new: str


DEFENCES = [
    Defence(**each)
    for each in tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))["defence"]
]
