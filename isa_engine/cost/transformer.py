"""The matrix products of ISA-DiT (Fig. 8)."""

from collections.abc import Callable

from isa_engine.configuration import (
    MODULATIONS,
    NEW_BRANCHES,
    NORMAL_CHANNELS,
    RAY_CHANNELS,
    TIMESTEP_FEATURES,
    DiTConfig,
)
from isa_engine.cost.products import Product, attention
from isa_engine.geometry.frames import TEMPORAL_COMPRESSION, frames_before
from isa_engine.geometry.temporal_windows import TemporalWindows, temporal_windows


def transformer(
    config: DiTConfig,
    latents: int,
    height: int,
    width: int,
    characters: int,
    image_tokens: int,
    moved: bool = True,
    points: int | None = None,
) -> list[Product]:
    """The products of one forward pass over one video; a denoising step with guidance makes two.

    Args:
        config: the transformer's sizes.
        latents: t, latent frames.
        height, width: in latent pixels.
        characters: in the cast.
        image_tokens: L, of all reference pictures.
        moved: whether the points are moved in this pass, or read as an earlier pass stored them.
        points: of the cast, a frame; None: as many of each as the model reads.
    """
    d, layers, c = config.width, config.layers, config.latent_channels
    space = (height // config.patch) * (width // config.patch)
    video = latents * space
    token = config.patch**2 * c
    new = NEW_BRANCHES[config.conditioning]
    windows = _windows(config, latents)
    # A long video comes in pieces; what does not depend on the latents is computed anew for each of them.
    pieces = 1 if windows is None else len(windows.starts)
    found = [
        Product("embedding", video, 3 * token, d),
        Product("embedding", video, RAY_CHANNELS, d),
        Product("embedding", pieces * image_tokens, config.image_width, d),
        Product("modulation", pieces, TIMESTEP_FEATURES, d),
        Product("modulation", pieces, d, d, 1 + new * MODULATIONS + layers * MODULATIONS),
        *_block("spatial", video, d, layers),
        *attention("spatial", latents, space, space, d, layers),
        *_across("temporal", space, latents, windows, d, layers),
        Product("camera", video, d, d, 4 * layers),
        *attention("camera", latents, space, space, d, layers),
        Product("image", video, d, d, 2 * layers),
        Product("image", pieces * image_tokens, d, d, 2 * layers),
        # One more key: the learned one that stands for "nothing there".
        *attention("image", 1, video, image_tokens + 1, d, layers),
        Product("output", pieces, d, d, 2),
        Product("output", video, d, token),
    ]
    if config.identity_splat:
        found.append(Product("embedding", video, token, d))
    if config.conditioning == "controlnet-2d":
        return found + _control(config, video)
    points = characters * config.points if points is None else points
    found += _rendering(config, latents, space, characters, points)
    return [*found, *_moving(config, latents, space, points)] if moved else found


def _block(part: str, tokens: int, d: int, layers: int, projected: int | None = None) -> tuple[Product, ...]:
    """Projections of Q, K, V and the output, and a feed-forward four times as wide.

    Args:
        projected: how many tokens pass the projections, if not ``tokens``: overlapping windows project some
            tokens several times.
    """
    return (
        Product(part, tokens if projected is None else projected, d, d, 4 * layers),
        Product(part, tokens, d, 4 * d, layers),
        Product(part, tokens, 4 * d, d, layers),
    )


def _windows(config: DiTConfig, latents: int) -> TemporalWindows | None:
    return temporal_windows(latents, config.temporal_window, config.temporal_stride, config.temporal_anchor)


def _across(
    part: str,
    places: int,
    latents: int,
    windows: TemporalWindows | None,
    d: int,
    layers: int,
    place: Callable[[int], int] = lambda latent: latent,
    more: int = 0,
) -> list[Product]:
    """A block that attends across time, each place of a latent or a frame by itself.

    Args:
        places: how many places.
        place: from a latent to the index of its first token in time: the latent itself for video tokens, its
            first frame for points.
        more: keys beside the tokens, learned ones.
    """
    total = place(latents)
    if windows is None:
        return [
            *_block(part, places * total, d, layers),
            *attention(part, places, total, total + more, d, layers),
        ]
    lengths = [place(start + windows.window) - place(start) for start in windows.starts]
    found = [*_block(part, places * total, d, layers, places * sum(lengths))]
    for number, length in enumerate(lengths):
        anchor = place(windows.anchor) if number else 0
        # The anchor's keys and values are projected again for every window.
        found += [Product(part, places * anchor, d, d, 2 * layers)] if anchor else []
        found += attention(part, places, length, length + anchor + more, d, layers)
    return found


def _control(config: DiTConfig, video: int) -> list[Product]:
    """The normal maps' tokens and control, which the ablation in 2D has in place of points and ISA."""
    d = config.width
    return [
        Product("embedding", video, NORMAL_CHANNELS * config.patch**2, d),
        Product("embedding", video, d, d),
        Product("control", video, d, d, config.layers),
    ]


def _rendering(config: DiTConfig, latents: int, space: int, characters: int, points: int) -> list[Product]:
    """Video tokens attend to points (Eq. 14)."""
    d, layers = config.width, config.layers
    video, cast, window = _tokens(latents, space, points)
    # One a character. That a token looks at near points alone spares nothing, as the others are masked.
    pooled = 0 if config.rendering_radius is None else characters
    return [
        # The video's queries, output and feed-forward; then the points' keys and values.
        Product("isa", video, d, d, 10 * layers),
        Product("isa", cast + latents * pooled, d, d, 2 * layers),
        Product("isa", latents * pooled, window, d, layers, learned=False),
        *attention("isa", latents, space, window + pooled + 1, d, layers),
    ]


def _moving(config: DiTConfig, latents: int, space: int, points: int) -> list[Product]:
    """Point tokens (Eq. 8), their attention across time (Eq. 17), and to the video (Eq. 13)."""
    d, layers = config.width, config.layers
    video, cast, window = _tokens(latents, space, points)
    windows = _windows(config, latents)
    pieces = 1 if windows is None else len(windows.starts)
    return [
        Product("embedding", cast, d, d, 2),
        Product("embedding", pieces * points, config.latent_channels, d),
        *_across("point_temporal", points, latents, windows, d, layers, frames_before, more=1),
        # The last layer does not update the points, which nobody reads after it.
        Product("isa", cast, d, d, 10 * (layers - 1)),
        Product("isa", video, d, d, 2 * (layers - 1)),
        *attention("isa", latents, window, space, d, layers - 1),
    ]


def _tokens(latents: int, space: int, points: int) -> tuple[int, int, int]:
    """How many tokens the video has, the cast's points on all frames, and the points behind one latent."""
    frames = 1 + TEMPORAL_COMPRESSION * (latents - 1)
    return latents * space, frames * points, TEMPORAL_COMPRESSION * points
