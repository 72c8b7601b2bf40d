"""The transformer and the image tower as one network: they learn together."""

from dataclasses import replace

from torch import Tensor, nn

from isa_engine.dit import Conditioning, ImageTower, ISADiT


class DiTAndTower(nn.Module):
    """A transformer that sees the reference pictures themselves.

    Args:
        dit: reads the tower's tokens.
        image_tower: makes them.
    """

    # accelerate reads it: on several GPUs each block is gathered whole for as long as it computes.
    _no_split_modules = ["ISABlock"]

    def __init__(self, dit: ISADiT, image_tower: ImageTower):
        super().__init__()
        self.dit, self.image_tower = dit, image_tower

    def forward(self, latents: Tensor, time: Tensor, conditioning: Conditioning, pictures: Tensor) -> Tensor:
        """The transformer's velocity; arguments as ``ISADiT``'s and ``seeing``'s."""
        return self.dit(latents, time, self.seeing(conditioning, pictures))

    def seeing(self, conditioning: Conditioning, pictures: Tensor) -> Conditioning:
        """Conditions with the tokens of the reference pictures (Eq. 21).

        Args:
            pictures: ``(B, R, 3, S, S)`` as ``ImageTower.fit`` returns them; which of them are known is with
                the conditions.
        """
        tokens = self.image_tower(pictures.flatten(0, 1)).float()
        return replace(conditioning, image_tokens=tokens.unflatten(0, pictures.shape[:2]).flatten(1, 2))
