"""Small transformers in which every branch speaks, and conditions for them."""

from dataclasses import asdict, replace

import torch

from isa_engine.configuration import NORMAL_CHANNELS, DiTConfig
from isa_engine.dit import Conditioning, ISADiT

SMALL = DiTConfig(width=48, layers=2, heads=4, points=6, latent_channels=4, image_width=10)
CHARACTERS = 2
LATENTS, HEIGHT, WIDTH = 3, 8, 6
IMAGE_TOKENS = 5


def transformer(speaking: bool = True, **changes) -> ISADiT:
    """A seeded model; ``speaking`` gives weight to what training would find at zero."""
    torch.manual_seed(0)
    model = ISADiT(**asdict(replace(SMALL, **changes))).eval()
    if speaking:
        for parameter in model.parameters():
            if not parameter.any():
                torch.nn.init.normal_(parameter, std=0.3)
    return model


def inputs(
    config: DiTConfig = SMALL,
    *,
    batch: int = 2,
    latents: int = LATENTS,
    height: int = HEIGHT,
    width: int = WIDTH,
    characters: int = CHARACTERS,
    image_tokens: int = IMAGE_TOKENS,
    device: str = "cpu",
) -> tuple[torch.Tensor, torch.Tensor, Conditioning]:
    """Seeded noisy latents, timesteps and conditions in which everything is known and visible."""
    torch.manual_seed(1)
    frames, points, c = 4 * latents - 3, characters * config.points, config.latent_channels
    maps = NORMAL_CHANNELS if config.conditioning == "controlnet-2d" else 0
    with torch.device(device):
        conditioning = Conditioning(
            points=torch.randn(batch, frames, points, 3),
            ndc=torch.rand(batch, frames, points, 3) * 2 - 1,
            visible=torch.ones(batch, frames, points, dtype=torch.bool),
            identity=torch.randn(batch, points, c),
            identity_known=torch.ones(batch, points, dtype=torch.bool),
            image_tokens=torch.randn(batch, image_tokens, config.image_width),
            image_known=torch.ones(batch, image_tokens, dtype=torch.bool),
            reference_latents=torch.randn(batch, c, height, width),
            background_latents=torch.randn(batch, c, latents, height, width),
            cameras=torch.randn(batch, latents, 24, height // config.patch, width // config.patch),
            normal_maps=torch.randn(batch, latents, maps, height, width),
            owners=torch.eye(characters, dtype=torch.bool)
            .repeat_interleave(config.points, 1)
            .repeat(batch, 1, 1),
        )
        return torch.randn(batch, c, latents, height, width), torch.rand(batch), conditioning


def moved(conditioning: Conditioning, field: str, where) -> Conditioning:
    """Shift one field at an index."""
    value = getattr(conditioning, field).clone()
    value[where] += 1
    return replace(conditioning, **{field: value})


def hidden(conditioning: Conditioning, where) -> Conditioning:
    """Put points behind the camera."""
    visible = conditioning.visible.clone()
    visible[where] = False
    return replace(conditioning, visible=visible)


def permuted(conditioning: Conditioning, order: torch.Tensor) -> Conditioning:
    """The same points in another order."""
    along = {"points": 2, "ndc": 2, "visible": 2, "identity": 1, "identity_known": 1, "owners": 2}
    return replace(
        conditioning,
        **{name: getattr(conditioning, name).index_select(axis, order) for name, axis in along.items()},
    )
