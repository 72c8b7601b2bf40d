"""A device of this host, which works in a thread of this process."""

from torch import Tensor

from isa_engine.dit import Conditioning
from isa_engine.dit.background_gate import Prediction
from isa_engine.pipeline.isa.model import Model
from isa_engine.pipeline.spread.mail import Line


class Device:
    """A ``Worker`` whose model is on a device of this host."""

    def __init__(self, model: Model):
        self.model, self.name = model, str(model.device)

    def mailbox(self, evaluation: int) -> None:
        return None

    def told(self, conditioning: Conditioning) -> Conditioning:
        return conditioning.to(self.model.device)

    def share(
        self,
        latents: Tensor,
        timestep: Tensor,
        told: Conditioning,
        line: Line,
        points: list[Tensor] | None,
    ) -> Prediction:
        device = self.model.device
        return self.model.predict_share(latents.to(device), timestep.to(device), told, line, points)

    def leave(self) -> None:
        pass
