"""Small autoencoders whose every part speaks: no zero weights, and time in every kernel."""

from dataclasses import asdict, replace
from functools import cache

import torch

from isa_engine.configuration import VAEConfig
from isa_engine.vae import VideoVAE

PLAIN = VAEConfig(
    latent_channels=4,
    block_out_channels=(4, 8, 8),
    layers_per_block=1,
    norm_groups=2,
    scaling_factor=1.5,
    shift_factor=0.1,
)
OF_WINDOWS = replace(
    PLAIN,
    block_out_channels=(8,),
    layers_per_block=2,
    window=4,
    scaling_factor=(1.0, 2.0, 0.5, 4.0),
    shift_factor=(0.0, 1.0, -1.0, 0.25),
)
WITH_TAIL = replace(OF_WINDOWS, tail_width=6)
CONFIGURATIONS = (PLAIN, OF_WINDOWS, WITH_TAIL)


@cache
def small_vae(config: VAEConfig) -> VideoVAE:
    torch.manual_seed(0)
    return speaking(VideoVAE(**asdict(config))).eval()


def speaking(vae: VideoVAE) -> VideoVAE:
    """Last layers, and whatever is silent at first, get weights of their own."""
    last = {id(layer.weight) for layer in (vae.encoder.conv_out, vae.decoder.conv_out)}
    for parameter in vae.parameters():
        if id(parameter) in last or (parameter.ndim > 1 and not parameter.any()):
            torch.nn.init.normal_(parameter, std=0.1)
    return vae


def noise_video(vae: VideoVAE, frames: int, rows: int = 2, columns: int = 3, seed: int = 0) -> torch.Tensor:
    """``(1, 3, frames, rows · f_s, columns · f_s)``."""
    side = vae.spatial_compression
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(1, 3, frames, rows * side, columns * side, generator=generator) * 2 - 1


def noise_latents(vae: VideoVAE, frames: int, rows: int = 2, columns: int = 3, seed: int = 0) -> torch.Tensor:
    """``(1, C, frames, rows, columns)``."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, vae.config.latent_channels, frames, rows, columns, generator=generator)
