"""What every model says of itself, so that no other module has to ask of which kind it is."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from isa_engine.cost.generation import Work


class Description(Protocol):
    """What is known of a model without loading it, and without torch.

    Attributes:
        name: by which shots ask for it.
        kind: a key of ``models.KINDS``.
        trained: whether its weights are on this machine.
        short_side: pixels of the shorter side of the canvas that it is made for.
        multiple: pixels of which both sides of a canvas must be multiples.
        max_frames: frames of the longest take that was measured, or trained on.
        points: how many of a character's surface points it reads; 0: none.
        size: a number that is larger for larger models, to sort models of a kind.
    """

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def trained(self) -> bool: ...
    @property
    def short_side(self) -> int: ...
    @property
    def multiple(self) -> int: ...
    @property
    def max_frames(self) -> int: ...
    @property
    def points(self) -> int: ...
    @property
    def size(self) -> float: ...

    def operations(self, work: Work) -> dict[str, int]:
        """Floating point operations of each phase of a generation, as ``pipeline.Progress`` names them."""
        ...

    def memory(self, work: Work) -> float:
        """The most bytes in use at any time: the loaded model, and what the work takes beside it."""
        ...

    def memory_beside(self, work: Work) -> float:
        """Bytes that the work takes beside the loaded model."""
        ...


@dataclass(frozen=True)
class Kind:
    """Models that work alike.

    Attributes:
        names: returns the names of those on this machine, the best to begin with first.
        describe: returns the description of a name; None for a name that is not of this kind.
        painter: the module that loads and runs them, which needs torch (``pipeline.painter``).
    """

    names: Callable[[], Iterable[str]]
    describe: Callable[[str], Description | None]
    painter: str
