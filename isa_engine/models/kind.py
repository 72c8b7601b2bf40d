"""What a kind of model tells, so that nothing else need ask which one it is."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from isa_engine.cost.generation import Work


class Description(Protocol):
    """A model as it is known without loading it, and without torch.

    Attributes:
        name: by which shots ask for it.
        kind: of ``models.KINDS``.
        trained: whether its weights are on this machine.
        short_side: of the canvas, pixels, that it is made for.
        multiple: of which the canvas's sides are, pixels.
        max_frames: the longest take that was measured, or trained on.
        points: how many of a character's surface points it reads; 0: none.
        size: a number that grows with the model, to put models in order.
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
        """Bytes at the highest: the loaded model, and what the work takes beside it."""
        ...

    def memory_beside(self, work: Work) -> float:
        """Bytes that the work takes beside the loaded model."""
        ...


@dataclass(frozen=True)
class Kind:
    """Models that work alike.

    Attributes:
        names: of those that this machine can be asked for, the best to begin with first.
        describe: of a name; None where it is none of this kind's.
        painter: the module that loads and runs them, which needs torch (``pipeline.painter``).
    """

    names: Callable[[], Iterable[str]]
    describe: Callable[[str], Description | None]
    painter: str
