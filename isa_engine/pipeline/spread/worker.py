"""What shares an evaluation with others."""

from typing import Any, Protocol

from torch import Tensor

from isa_engine.dit import Conditioning
from isa_engine.dit.background_gate import Prediction
from isa_engine.pipeline.spread.mail import Line, Mailbox


class Worker(Protocol):
    """A device with a model on it, somewhere.

    Attributes:
        name: for whoever reads the log.
    """

    name: str

    def mailbox(self, evaluation: int) -> Mailbox | None:
        """Where its mail lies; None where only this process can reach it."""
        ...

    def told(self, conditioning: Conditioning) -> Any:
        """Conditions as ``share`` wants them; asked for once and used in many evaluations."""
        ...

    def share(
        self, latents: Tensor, timestep: Tensor, told: Any, line: Line, points: list[Any] | None
    ) -> Prediction:
        """The prediction of this worker's latents; of the whole video, where the line has no other worker.

        Args:
            latents: its own, ``(B, C, n, h, w)``.
            told: of the whole video.
            points: as of ``Model.predict``, but what is in the list is this worker's affair.

        Raises:
            Lost: another worker failed. Any other error is this worker's own failure.
        """
        ...

    def leave(self) -> None:
        """It is not asked again."""
        ...
