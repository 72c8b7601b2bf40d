"""The limits within which a model obeys its scene, as measured by ``isa-engine evaluate limits``."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_MEASURED = Path(__file__).with_name("limits.json")


@dataclass(frozen=True)
class Limits:
    """The ranges, from least to most, in which a model was tried and obeyed.

    Attributes:
        size: how tall people are on the canvas, pixels.
        elevation: by how much the camera looks down on them, degrees.
        lens: focal length, millimetres. All three are those of ``geometry.viewpoint``.
        people: how many at once, at most.
    """

    size: tuple[float, float]
    elevation: tuple[float, float]
    lens: tuple[float, float]
    people: int


@cache
def limits_of(model: str) -> Limits | None:
    """The limits of a named model; None if they were never measured."""
    measured = json.loads(_MEASURED.read_text()).get(model)
    if measured is None:
        return None
    ranges = {name: tuple(measured[name]) for name in ("size", "elevation", "lens")}
    return Limits(**ranges, people=measured["people"])
