"""What every run's loop asks of that which learns."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Trainer(ABC):
    """Everything that a step of training reads and writes.

    Attributes:
        settings: of the run, a dataclass.
        steps_done: of the run's ``steps``.
    """

    def __init__(self, settings: Any, steps: int):
        self.settings, self.steps, self.steps_done = settings, steps, 0

    @property
    def finished(self) -> bool:
        return self.steps_done >= self.steps

    def share_over(self, gone: float) -> float:
        """How much of the run is over, 0 to 1: by its steps, or by a clock that may end it before they do."""
        return min(1.0, max(gone, self.steps_done / max(1, self.steps)))

    @abstractmethod
    def step(self, gone: float = 0.0) -> Mapping[str, Any]:
        """One step; returns its losses by name.

        Args:
            gone: share of the run that is over by a clock.
        """

    @abstractmethod
    def export(self, folder: Path) -> None:
        """Write what was learned as safetensors, as ``pipeline.isa.model`` reads them."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """What ``load`` needs to continue exactly."""

    @abstractmethod
    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
