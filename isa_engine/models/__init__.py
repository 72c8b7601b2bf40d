"""The models that can be asked for, of every kind, described without loading them."""

from isa_engine.errors import ModelError
from isa_engine.models import isa, vace
from isa_engine.models.kind import HERE, MISSING, UNTRAINED, Description, Kind, Way, steered_by

KINDS: dict[str, Kind] = {"isa": isa.KIND, "vace": vace.KIND}

__all__ = [
    "HERE",
    "KINDS",
    "MISSING",
    "UNTRAINED",
    "Description",
    "Kind",
    "Way",
    "describe",
    "names",
    "steered_by",
]


def names() -> tuple[str, ...]:
    """The names of all models that this machine knows, ISA-DiTs first."""
    return tuple(name for kind in KINDS.values() for name in kind.names())


def describe(name: str) -> Description:
    """The description of the model of that name.

    Raises:
        ModelError: there is none.
    """
    for kind in KINDS.values():
        if (found := kind.describe(name)) is not None:
            return found
    raise ModelError(f"there is no model '{name}'", remedy=f"Choose one of: {', '.join(names())}.")
