"""The operations of one generation, from pictures to plate, and how many weights a model has."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from isa_engine.configuration import PREVIEWS, ModelConfig
from isa_engine.configuration.policies import EVERYTHING, Policy, asked
from isa_engine.cost import autoencoder
from isa_engine.cost.image_tower import image_tower, token_count
from isa_engine.cost.products import Product, operations, weights
from isa_engine.cost.transformer import transformer
from isa_engine.geometry.frames import Made, extended_count, frames_before, latent_count
from isa_engine.geometry.temporal_windows import seen_with, temporal_windows


@dataclass(frozen=True)
class Work:
    """How much work a generation is: the sizes of its shot, and how it is denoised.

    Attributes:
        frames: how many are generated.
        width, height: of the canvas, pixels.
        characters: in the cast, each with a reference picture of its own.
        steps: of the denoising.
        guidance: its scale; 1 needs no second branch.
        policy: which steps ask the network, and for what.
        made: the segments of which something is denoised, where cuts part the take or where it keeps some of
            an earlier one; empty: all frames, without a cut.
        one_by_one: whether the people are painted one after the other, by models that can.
        near: for each of ``segments``, of how many points a frame each tile of the canvas is told that the
            network is asked of, which ``models.work`` finds in a shot. Empty: it is not known, and costs are
            those of tiles that are each told of everybody: bounds from above.
        plate_scale: pixels of the plate along each side to one of the canvas.
    """

    frames: int
    width: int
    height: int
    characters: int
    steps: int
    guidance: float
    policy: Policy = EVERYTHING
    made: tuple[Made, ...] = ()
    one_by_one: bool = False
    near: tuple[tuple[int, ...], ...] = ()
    plate_scale: int = 1

    @property
    def segments(self) -> tuple[Made, ...]:
        """``made``, written out."""
        return self.made or (Made(self.frames, 0, latent_count(self.frames)),)


def generation(config: ModelConfig, work: Work) -> dict[str, int]:
    """Floating point operations of each phase, as ``pipeline.Progress`` names them, of a shot with a
    background."""
    frames, canvas = extended_count(work.frames), (work.width, work.height)
    side = config.close_up
    # Of a segment of which anything is made all is encoded; the pictures once for each.
    encoded = [
        product
        for segment in work.segments
        for product in (
            *autoencoder.encoder(config.vae, extended_count(segment.frames), *canvas),
            *_times(work.characters, autoencoder.encoder(config.vae, 1, side, side)),
            *image_tower(config.image_tower, work.characters),
        )
    ]
    shown = (work.steps - 1) // math.ceil(work.steps / PREVIEWS)
    # The plate and the matte are each laid over the background: it is encoded anew for both, decoded for the
    # plate, and both ask the matte head (``pipeline.isa.over_background``).
    decoded = [
        *_times(2, autoencoder.decoder(config.vae, frames, *canvas)),
        *_times(2, autoencoder.matte_head(config.matte_head, config.vae, frames, *canvas)),
        *_times(2, autoencoder.encoder(config.vae, frames, *canvas)),
    ]
    previews = _times(shown * len(work.segments), autoencoder.decoder(config.vae, 1, *canvas))
    return {
        "encode": _sum(encoded),
        "denoise": denoising(config, work) + _sum(previews),
        "decode": _sum(decoded),
    }


def step(config: ModelConfig, work: Work) -> list[Product]:
    """The products of a denoising step of all segments under the policy that computes everything."""
    # Guidance evaluates a second branch, that of the picture with nobody in it.
    return _told(config, work) + ([] if work.guidance == 1 else _nobody(config, work))


def denoising(config: ModelConfig, work: Work) -> int:
    """Floating point operations of all steps."""
    counts = asked(work.policy, work.steps)
    told, read = (_sum(_told(config, work, moved)) for moved in (True, False))
    nobody = 0 if work.guidance == 1 else _sum(_nobody(config, work))
    return counts.moved * told + (counts.told - counts.moved) * read + counts.nobody * nobody


def tokens(config: ModelConfig, work: Work) -> dict[str, int]:
    """How many tokens the transformer has of the video, of the cast's points and of its pictures."""
    space = math.prod(side // config.dit.patch for side in tiles_of(config, work)[1])
    image = work.characters * token_count(config.image_tower)
    found = {"video": 0, "points": 0, "image": 0}
    for latents, points, count in tiles_by_points(config, work):
        found["video"] += count * latents * space
        found["points"] += count * frames_before(latents) * points
        found["image"] += count * image
    return found


def passes(config: ModelConfig, work: Work) -> int:
    """How often every layer of the transformer is run: once a piece of a long video and a tile of a large
    canvas, in each evaluation."""
    counts, dit, pieces = asked(work.policy, work.steps), config.dit, 0
    for latents, _, count in tiles_by_points(config, work):
        windows = temporal_windows(latents, dit.temporal_window, dit.temporal_stride, dit.temporal_anchor)
        pieces += count * (1 if windows is None else len(windows.starts))
    return pieces * (counts.told + (0 if work.guidance == 1 else counts.nobody))


def weight_count(config: ModelConfig) -> dict[str, int]:
    """How many weights each network has, to within 1 %, by the names of their files."""
    side = config.multiple
    return {
        "vae": weights(autoencoder.encoder(config.vae, 1, side, side))
        + weights(autoencoder.decoder(config.vae, 1, side, side)),
        "matte_head": weights(autoencoder.matte_head(config.matte_head, config.vae, 1, side, side)),
        "dit": weights(transformer(config.dit, 1, config.dit.patch, config.dit.patch, 1, 1)),
        "image_tower": weights(image_tower(config.image_tower, 1)),
    }


def seen(config: ModelConfig, work: Work) -> list[int]:
    """How many latents of each segment go through the network: what is made, and what that must see."""
    found = []
    for segment in work.segments:
        latents = latent_count(segment.frames)
        first, last = seen_with(segment.first, segment.last, latents, config.dit.temporal_window)
        found.append(last - first)
    return found


def tiles_of(config: ModelConfig, work: Work) -> tuple[int, tuple[int, int]]:
    """How many tiles the work's canvas has, and the latent pixels of each, down and across."""
    side = config.vae.spatial_compression
    return config.tile_count(work.height // side, work.width // side)


def tiles_by_points(config: ModelConfig, work: Work) -> Iterator[tuple[int, int, int]]:
    """What goes through the network, for each segment: its latents, of how many points a frame some of its
    tiles are told, and how many tiles these are."""
    points = 0 if config.dit.conditioning == "controlnet-2d" else config.dit.points
    everybody = [Counter({work.characters * points: tiles_of(config, work)[0]})] * len(work.segments)
    known = [Counter(told if points else [0] * len(told)) for told in work.near]
    for latents, casts in zip(seen(config, work), known or everybody, strict=True):
        for cast, count in sorted(casts.items()):
            yield latents, cast, count


def _told(config: ModelConfig, work: Work, moved: bool = True) -> list[Product]:
    """The branch with the cast."""
    return [
        product
        for latents, points, count in tiles_by_points(config, work)
        for product in _times(count, _transformer(config, work, latents, work.characters, points, moved))
    ]


def _nobody(config: ModelConfig, work: Work) -> list[Product]:
    return [
        product
        for latents, _, count in tiles_by_points(config, work)
        for product in _times(count, _transformer(config, work, latents, 0, 0))
    ]


def _transformer(
    config: ModelConfig, work: Work, latents: int, characters: int, points: int, moved: bool = True
) -> list[Product]:
    """A forward pass over one tile."""
    size, images = tiles_of(config, work)[1], characters * token_count(config.image_tower)
    return transformer(config.dit, latents, *size, characters, images, moved, points)


def _times(count: int, products: list[Product]) -> list[Product]:
    """The products of a network that runs ``count`` times."""
    return [Product(p.part, count * p.rows, p.inside, p.outside, p.times, p.learned) for p in products]


def _sum(products: list[Product]) -> int:
    return sum(operations(products).values())
