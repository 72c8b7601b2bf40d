"""Adding a folder to this machine: by the module of its kind it is looked through once, whole."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from isa_engine.errors import ModelError
from isa_engine.models import KINDS
from isa_engine.models.added import Added, Running


class Adding(Protocol):
    """What the module has that a kind names for it (``Kind.adding``)."""

    def recognise(self, folder: Path) -> None:
        """Nothing, of a folder of this kind, by what it says of itself.

        Raises:
            ModelError: it is another's; the remedy says which is wanted.
        """
        ...

    def examine(self, folder: Path, licence: str, running: Running, report: Callable[[str], None]) -> Added:
        """Check classes and tensors, and take the hash of every file of weights.

        Args:
            licence: accepted.
            running: how the model is to be run.
            report: told each file before it is read.

        Raises:
            ModelError: as of ``recognise``, or something in the folder does not fit, or it cannot be run so;
                it is named.
        """
        ...


def adding(kind: str) -> Adding:
    """The module of a kind of which models can be added."""
    return importlib.import_module(KINDS[kind].adding)


def kind_of(folder: Path) -> str:
    """The kind of which a folder is.

    Raises:
        ModelError: of none; each says why.
    """
    refusals = []
    for kind in (name for name, each in KINDS.items() if each.adding):
        try:
            adding(kind).recognise(folder)
            return kind
        except ModelError as refusal:
            refusals.append(refusal)
    problem = "; ".join(refusal.problem for refusal in refusals)
    remedy = " Or: ".join(refusal.remedy for refusal in refusals)
    raise ModelError(problem, where=refusals[0].where, remedy=remedy)
