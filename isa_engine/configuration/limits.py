"""Within what a model obeys its scene, as it was measured (``isa-engine evaluate limits``)."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_MEASURED = Path(__file__).with_name("limits.json")


@dataclass(frozen=True)
class Limits:
    """From the least to the most that was tried and held.

    Attributes:
        size: pixels that people are tall on the canvas, and
        elevation: degrees by which the camera looks down on them, and
        lens: millimetres of focal length (``geometry.viewpoint``).
        people: how many at once.
    """

    size: tuple[float, float]
    elevation: tuple[float, float]
    lens: tuple[float, float]
    people: int


@cache
def limits_of(model: str) -> Limits | None:
    """Those of a named model; None where nobody has measured it."""
    measured = json.loads(_MEASURED.read_text()).get(model)
    if measured is None:
        return None
    ranges = {name: tuple(measured[name]) for name in ("size", "elevation", "lens")}
    return Limits(**ranges, people=measured["people"])
