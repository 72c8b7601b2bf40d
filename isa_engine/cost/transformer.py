"""The products of ISA-DiT (Fig. 8)."""

from isa_engine.configuration import (
    MODULATIONS,
    NEW_BRANCHES,
    NORMAL_CHANNELS,
    RAY_CHANNELS,
    TIMESTEP_FEATURES,
    DiTConfig,
)
from isa_engine.cost.products import Product, attention
from isa_engine.geometry.frames import TEMPORAL_COMPRESSION


def transformer(
    config: DiTConfig,
    latents: int,
    height: int,
    width: int,
    characters: int,
    image_tokens: int,
    moved: bool = True,
) -> list[Product]:
    """One forward pass over one video; a denoising step with guidance makes two.

    Args:
        latents: t.
        height, width: in latent pixels.
        characters: in the cast.
        image_tokens: L, of all reference pictures.
        moved: whether the points are moved, or read as an earlier pass left them.
    """
    d, layers, c = config.width, config.layers, config.latent_channels
    space = (height // config.patch) * (width // config.patch)
    video = latents * space
    token = config.patch**2 * c
    new = NEW_BRANCHES[config.conditioning]
    found = [
        Product("embedding", video, 3 * token, d),
        Product("embedding", video, RAY_CHANNELS, d),
        Product("embedding", image_tokens, config.image_width, d),
        Product("modulation", 1, TIMESTEP_FEATURES, d),
        Product("modulation", 1, d, d, 1 + new * MODULATIONS + layers * MODULATIONS),
        *_block("spatial", video, d, layers),
        *attention("spatial", latents, space, space, d, layers),
        *_block("temporal", video, d, layers),
        *attention("temporal", space, latents, latents, d, layers),
        Product("camera", video, d, d, 4 * layers),
        *attention("camera", latents, space, space, d, layers),
        Product("image", video, d, d, 2 * layers),
        Product("image", image_tokens, d, d, 2 * layers),
        # One key more, which nobody masks.
        *attention("image", 1, video, image_tokens + 1, d, layers),
        Product("output", 1, d, d, 2),
        Product("output", video, d, token),
    ]
    if config.identity_splat:
        found.append(Product("embedding", video, token, d))
    if config.conditioning == "controlnet-2d":
        return found + _control(config, video)
    found += _rendering(config, latents, space, characters)
    return [*found, *_moving(config, latents, space, characters)] if moved else found


def _block(part: str, tokens: int, d: int, layers: int) -> tuple[Product, ...]:
    """Projections of Q, K, V and the output, and a feed-forward four times as wide."""
    return (
        Product(part, tokens, d, d, 4 * layers),
        Product(part, tokens, d, 4 * d, layers),
        Product(part, tokens, 4 * d, d, layers),
    )


def _control(config: DiTConfig, video: int) -> list[Product]:
    """What the ablation in 2D has in place of points and ISA."""
    d = config.width
    return [
        Product("embedding", video, NORMAL_CHANNELS * config.patch**2, d),
        Product("embedding", video, d, d),
        Product("control", video, d, d, config.layers),
    ]


def _rendering(config: DiTConfig, latents: int, space: int, characters: int) -> list[Product]:
    """The video's look at the points (Eq. 14)."""
    d, layers = config.width, config.layers
    video, cast, window = _tokens(config, latents, space, characters)
    return [
        # Queries, output and feed-forward, and the points' keys and values.
        Product("isa", video, d, d, 10 * layers),
        Product("isa", cast, d, d, 2 * layers),
        *attention("isa", latents, space, window + 1, d, layers),
    ]


def _moving(config: DiTConfig, latents: int, space: int, characters: int) -> list[Product]:
    """Point tokens, their way through time (Eqs. 8 and 17), and their look back at the video (Eq. 13)."""
    d, layers = config.width, config.layers
    video, cast, window = _tokens(config, latents, space, characters)
    points, frames = characters * config.points, 1 + TEMPORAL_COMPRESSION * (latents - 1)
    return [
        Product("embedding", cast, d, d, 2),
        Product("embedding", points, config.latent_channels, d),
        *_block("point_temporal", cast, d, layers),
        *attention("point_temporal", points, frames, frames + 1, d, layers),
        # After the last layer nobody reads the points.
        Product("isa", cast, d, d, 10 * (layers - 1)),
        Product("isa", video, d, d, 2 * (layers - 1)),
        *attention("isa", latents, window, space, d, layers - 1),
    ]


def _tokens(config: DiTConfig, latents: int, space: int, characters: int) -> tuple[int, int, int]:
    """Of the video, of the cast's points on all frames, and of those behind a latent."""
    points = characters * config.points
    frames = 1 + TEMPORAL_COMPRESSION * (latents - 1)
    return latents * space, frames * points, TEMPORAL_COMPRESSION * points
