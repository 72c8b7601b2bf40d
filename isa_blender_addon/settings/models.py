"""The models that a scene can choose: those that the engine reports; until it does, those of this machine."""

import contextlib
from collections.abc import Iterable

from isa_engine.client.protocol import ModelInfo
from isa_engine.errors import ModelError, SceneError
from isa_engine.models import KINDS, Description, describe, names

_reported: dict[str, Description] | None = None
_here: dict[str, Description] = {}


def report(models: Iterable[ModelInfo] | None) -> None:
    """What the chosen engine says that it has; None: nothing is known of it.

    Models of a kind that this add-on does not know, or that make no sense, are left out.
    """
    global _reported
    if models is None:
        _reported = None
        return
    found = {}
    for info in models:
        with contextlib.suppress(ModelError, KeyError):
            found[info.name] = KINDS[info.kind].told(info.name, info.facts)
    _reported = found


def look() -> None:
    """See which models this machine has; it reads files, so no redraw of a panel does."""
    global _here
    _here = {name: describe(name) for name in names()}


def models() -> dict[str, Description]:
    """Those on offer, by name."""
    return dict(_here if _reported is None else _reported)


def reported(name: str) -> Description | None:
    """What the engine says of a model; None where it does not have it, or is not known."""
    return (_reported or {}).get(name)


def engine_known() -> bool:
    """Whether the engine has said what it has."""
    return _reported is not None


def chosen(scene) -> Description | None:
    """The scene's model; None where neither the engine nor this machine knows it."""
    return reported(scene.isa.model) or _here.get(scene.isa.model)


def model_named(name: str) -> Description:
    """
    Raises:
        SceneError: neither the engine nor this machine knows it.
    """
    found = reported(name) or _here.get(name)
    if found is None:
        remedy = "Choose another one, or start the engine that has it."
        raise SceneError("there is no model '{model}' here", remedy=remedy, model=name)
    return found
