"""What a sprint is told."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from isa_engine.training.configuration import DiTTraining, VAETraining, read_configuration
from isa_engine.training.sprint.outputs import is_sprint, to_go_on_from, unpack

T = TypeVar("T", DiTTraining, VAETraining)


@dataclass(frozen=True)
class SprintTraining(DiTTraining):
    """A sprint of the transformer.

    Attributes:
        most_batch: latent frames that a step may grow to where the device would be idle with ``batch``; zero:
            it stays.
        points_late: surface points a character from ``late`` on; before, it is ``points``.
        late: share of the time.
        ring_reuse: how often each rendered frame is learned from, if frames come fast enough.
        latent_reuse: of these, how often it is learned from as it was encoded (``DeviceBatches``).
    """

    most_batch: int = 0
    points_late: int = 0
    late: float = 0.6
    ring_reuse: float = 15.0
    latent_reuse: int = 1

    @property
    def most_points(self) -> int:
        return max(self.points, self.points_late)


def read_recipe(recipe: Path, kind: type[T], start: Path | None, unpacked: Path) -> T:
    """A recipe, to begin from weights of a run or of an earlier sprint, if there are any.

    Args:
        start: the run's folder, or what the sprint left.
        unpacked: to be made of what a sprint left; the trainer reads it.
    """
    if start is not None and is_sprint(start):
        unpack(start, unpacked, to_go_on_from(start))
        start = unpacked
    return read_configuration(recipe, kind, **({"start": str(start)} if start else {}))
