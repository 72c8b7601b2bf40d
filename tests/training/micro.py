"""Networks small enough to train in a test, and one clip to train them on."""

import dataclasses

import torch

from isa_engine.configuration import DiTConfig, ImageTowerConfig, ModelConfig, isa_tiny
from isa_engine.dit import Conditioning, ImageTower, ISADiT
from isa_engine.training.dit.dit_and_tower import DiTAndTower


def micro() -> ModelConfig:
    """isa-tiny with an autoencoder of sixteen channels, to be listed in ``MODELS``."""
    tiny = isa_tiny()
    return dataclasses.replace(
        tiny, name="micro", vae=dataclasses.replace(tiny.vae, block_out_channels=(16,), tail_width=0)
    )


def micro_networks(conditioning: str = "isa", **changes) -> DiTAndTower:
    torch.manual_seed(0)
    config = DiTConfig(width=48, layers=2, heads=2, points=6, image_width=16, conditioning=conditioning)
    config = dataclasses.replace(config, **changes)
    tower = ImageTowerConfig(size=8, patch=8, width=16, layers=1, heads=2)
    return DiTAndTower(ISADiT(**dataclasses.asdict(config)), ImageTower(**dataclasses.asdict(tower)))


def one_clip(seed: int, frames: int, height: int, width: int) -> torch.Tensor:
    """A soft wave that wanders, and a matte of its upper half; every seed gives the same."""
    y, x = torch.meshgrid(torch.arange(height) / 8, torch.arange(width) / 8, indexing="ij")
    time = torch.arange(frames)[:, None, None] / 4
    matte = torch.where(y < height / 16, 1.0, -1.0).expand(frames, height, width)
    wave = torch.stack([(x + time).sin(), (y - time).cos(), (x + y + 2 * time).sin()]) * 0.8
    return torch.cat([wave, matte[None]])


def one_batch(seed: int) -> tuple[torch.Tensor, Conditioning, torch.Tensor]:
    """Two videos of two latents, their conditions, and two pictures of each; every seed gives the same."""
    generator = torch.Generator().manual_seed(0)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator)

    points = random(2, 5, 6, 3)
    conditioning = Conditioning(
        points=points,
        ndc=points.clamp(-1, 1),
        visible=torch.ones(2, 5, 6, dtype=torch.bool),
        identity=random(2, 6, 16),
        identity_known=torch.ones(2, 6, dtype=torch.bool),
        image_tokens=torch.zeros(2, 4, 16),
        image_known=torch.ones(2, 4, dtype=torch.bool),
        reference_latents=random(2, 16, 4, 4),
        background_latents=random(2, 16, 2, 4, 4),
        cameras=random(2, 2, 24, 2, 2),
        normal_maps=torch.ones(2, 2, 48, 4, 4),
    )
    return random(2, 16, 2, 4, 4), conditioning, random(2, 2, 3, 8, 8).clamp(-1, 1)
