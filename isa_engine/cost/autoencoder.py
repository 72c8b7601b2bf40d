"""The matrix products of VideoVAE and of the matte head, for a whole video; in pieces it costs the same.

A canvas of more than 1,024 pixels a side is decoded in tiles that overlap. That costs up to a third more,
which is not counted.
"""

from isa_engine.configuration import MatteHeadConfig, VAEConfig
from isa_engine.cost.products import Product, attention, convolution
from isa_engine.geometry.frames import TEMPORAL_COMPRESSION, latent_count

_COLOURS = 3
# Taps of a kernel: 3 × 3 in space, and 3 × 3 × 3 in space and time.
_SPACE, _WHOLE = 9, 27
# Pixels to a side of a pixel tail's windows.
_SMALL = 2


def encoder(config: VAEConfig, frames: int, width: int, height: int) -> list[Product]:
    """The encoder's products: video to moments of latents.

    Args:
        config: the autoencoder's sizes.
        frames: 1 + 4k, which fill whole windows.
        width, height: pixels.
    """
    latents, places = _latents(config, frames, width, height)
    c = config.latent_channels
    if config.window:
        wide, window = config.block_out_channels[0], _window(config)
        return [
            Product("linear", places, window, c),
            Product("conv_in", places, window, wide),
            *_window_blocks(config, places),
            Product("conv_out", places, wide, 2 * c),
        ]
    channels = config.block_out_channels
    last, inside = len(channels) - 1, channels[0]
    pixels = frames * width * height
    found = [convolution("conv_in", pixels, _COLOURS, inside, _WHOLE)]
    for level, wide in enumerate(channels):
        found += _residuals("down_blocks", pixels, inside, wide, config.layers_per_block)
        inside = wide
        if level < last:
            width, height = width // 2, height // 2
            # Time is halved by the last two that halve space.
            frames = 1 + (frames - 1) // 2 if level >= last - 2 else frames
            pixels = frames * width * height
            found.append(convolution("down_blocks", pixels, wide, wide, _WHOLE))
    return [
        *found,
        *_middle(latents, width * height, inside),
        convolution("conv_out", places, inside, 2 * c, _WHOLE),
    ]


def decoder(config: VAEConfig, frames: int, width: int, height: int) -> list[Product]:
    """The decoder's products: latents to video. Arguments as of ``encoder``."""
    latents, places = _latents(config, frames, width, height)
    c = config.latent_channels
    if config.window:
        wide, window = config.block_out_channels[0], _window(config)
        return [
            Product("linear", places, c, window),
            convolution("conv_in", places, c, wide, _SPACE),
            *_window_blocks(config, places),
            Product("conv_out", places, wide, window),
            *_tail(config, places),
        ]
    channels = config.block_out_channels[::-1]
    last, inside = len(channels) - 1, channels[0]
    frames, side = latents, 1
    found = [
        convolution("conv_in", places, c, inside, _WHOLE),
        *_middle(latents, places // latents, inside),
    ]
    for level, wide in enumerate(channels):
        pixels = frames * (places // latents) * side**2
        found += _residuals("up_blocks", pixels, inside, wide, config.layers_per_block + 1)
        inside = wide
        if level < last:
            side *= 2
            frames = 1 + 2 * (frames - 1) if level < 2 else frames
            pixels = frames * (places // latents) * side**2
            found.append(convolution("up_blocks", pixels, wide, wide, _WHOLE))
    return [
        *found,
        convolution("conv_out", frames * width * height, inside, _COLOURS, _WHOLE),
    ]


def matte_head(
    config: MatteHeadConfig, vae: VAEConfig, frames: int, width: int, height: int
) -> list[Product]:
    """The matte head's products: latents to logits of alpha. Other arguments as of ``encoder``."""
    _, places = _latents(vae, frames, width, height)
    window = TEMPORAL_COMPRESSION * vae.spatial_compression**2
    return [
        convolution("conv_in", places, vae.latent_channels, config.width, _WHOLE),
        *_residuals("resnets", places, config.width, config.width, config.layers),
        Product("to_window", places, config.width, window),
    ]


def _latents(config: VAEConfig, frames: int, width: int, height: int) -> tuple[int, int]:
    """The number of latent frames, and of latent pixels in all of them together."""
    latents, side = latent_count(frames), config.spatial_compression
    return latents, latents * (width // side) * (height // side)


def _window(config: VAEConfig) -> int:
    """How many numbers a window of pixels has."""
    return _COLOURS * TEMPORAL_COMPRESSION * config.window**2


def _window_blocks(config: VAEConfig, places: int) -> list[Product]:
    """Residual blocks of two convolutions in space, of which the very first also sees the latent before."""
    wide, layers = config.block_out_channels[0], config.layers_per_block
    return [
        convolution("blocks", places, wide, wide, 2 * _SPACE),
        convolution("blocks", places, wide, wide, _SPACE, 2 * layers - 1),
    ]


def _tail(config: VAEConfig, places: int) -> list[Product]:
    """The pixel tail's products, of which two convolutions also see the latent before.

    Args:
        places: latent pixels.
    """
    if not config.tail_width:
        return []
    wide, small = config.tail_width, (config.window // _SMALL) ** 2
    pixels = _COLOURS * TEMPORAL_COMPRESSION * _SMALL**2
    return [
        Product("tail", places, config.block_out_channels[0], wide * small),
        convolution("tail", places * small, pixels, wide, 2 * _SPACE),
        convolution("tail", places * small, wide, wide, 2 * _SPACE),
        convolution("tail", places * small, wide, wide, _SPACE),
        convolution("tail", places * small, wide, pixels, _SPACE),
    ]


def _residuals(part: str, pixels: int, inside: int, outside: int, layers: int) -> list[Product]:
    """Residual blocks of two convolutions, the first of which changes the width."""
    found = [
        convolution(part, pixels, inside, outside, _WHOLE),
        convolution(part, pixels, outside, outside, _WHOLE, 2 * layers - 1),
    ]
    return found if inside == outside else [*found, Product(part, pixels, inside, outside)]


def _middle(latents: int, places: int, wide: int) -> list[Product]:
    """Residual, attention within each latent frame, residual."""
    return [
        *_residuals("mid_block", latents * places, wide, wide, 2),
        Product("mid_block", latents * places, wide, wide, 4),
        *attention("mid_block", latents, places, places, wide),
    ]
