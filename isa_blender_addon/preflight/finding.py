"""A finding: what is wrong in the artist's words, and the buttons that mend it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Mend:
    """A button.

    Attributes:
        label: on it; a placeholder stands for one of ``values``.
        operator: that it runs ("isa.show_frame").
        values: of the operator's properties.
    """

    label: str
    operator: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """What is wrong, where.

    Attributes:
        text: a sentence, with placeholders so that it can be looked up in a dictionary.
        values: that stand in their place.
        mends: buttons, the likeliest first.
        serious: the plate will hardly be what the artist wants (``hold``).
    """

    text: str
    values: dict[str, Any] = field(default_factory=dict)
    mends: tuple[Mend, ...] = ()
    serious: bool = False

    @property
    def characters(self) -> set[str]:
        """Names of the characters that it is about, as far as its buttons tell."""
        return {name for mend in self.mends if (name := mend.values.get("character"))}

    @property
    def sentence(self) -> str:
        """As it reads in English."""
        return self.text.format(**self.values)

    def is_mended_by(self, operator: str, values: dict[str, Any]) -> bool:
        """Whether one of its buttons runs that operator with these values."""
        return any(mend.operator == operator and values.items() <= mend.values.items() for mend in self.mends)


def hold(findings: Iterable[Finding]) -> bool:
    """Whether a shot with these findings waits for the artist's word, in a window and without."""
    return any(finding.serious for finding in findings)


def show(frame: int, character: str = "") -> Mend:
    """The button that goes to a frame, and selects a character."""
    return Mend("Show", "isa.show_frame", {"frame": int(frame), "character": character})


def spans(numbers: np.ndarray, chosen: np.ndarray) -> str:
    """The chosen frames: "3–8, 14".

    Args:
        numbers: ``(F,)`` scene frames of the shot.
        chosen: ``(F,)`` bool.
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]]).astype(int)))
    parts = [
        f"{numbers[first]}" if last - first == 1 else f"{numbers[first]}–{numbers[last - 1]}"
        for first, last in edges.reshape(-1, 2)
    ]
    return ", ".join(parts)
