"""What a run draws from a ring of clips, and so what its shelves hold."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from isa_engine.geometry.frames import latent_count
from isa_engine.training.configuration import DiTTraining, VAETraining
from isa_engine.training.ring.ring import Layout, Shelf, slot_type


@dataclass(frozen=True)
class Draw:
    """One kind of batch.

    Attributes:
        frames: that are shown of a clip.
        length: of the clip, frames.
        width, height: of its canvas, pixels.
        clips: in a batch.
        share: of all batches.
    """

    frames: int
    length: int
    width: int
    height: int
    clips: int
    share: float


def draws_of_dit(settings: DiTTraining) -> tuple[Draw, ...]:
    """A run of the transformer. Single frames are taken out of its shortest clips: those are rendered anyway,
    and each has several to show."""
    shortest = min((frames for frames in settings.frames if frames > 1), default=1)
    sizes = [tuple(int(side) for side in size.split("x")) for size in settings.sizes]
    return tuple(
        Draw(
            frames,
            max(frames, shortest),
            *size,
            clips=max(1, settings.batch // latent_count(frames)),
            share=settings.frames.count(frames) * sizes.count(size) / len(settings.frames) / len(sizes),
        )
        for frames in sorted(set(settings.frames))
        for size in sorted(set(sizes))
    )


def draws_of_vae(settings: VAETraining) -> tuple[Draw, ...]:
    """A run of the autoencoder, whose augmentations cut in time and space; for both of its stages."""
    size = settings.width + settings.shift, settings.height + settings.shift
    return tuple(
        Draw(
            frames,
            1 + math.ceil((frames - 1) * settings.fastest),
            *size,
            clips=settings.batch,
            share=steps / sum(settings.steps),
        )
        for frames, steps in zip(settings.frames, settings.steps, strict=True)
        if steps
    )


def layout_for(
    draws: Iterable[Draw],
    points: int,
    writers: int,
    size: int,
    reuse: float,
    seed: int,
    reprojected: bool = False,
) -> Layout:
    """Shelves of which every frame is drawn equally often.

    Args:
        size: bytes of all of them together, about.
    """
    frames: defaultdict[tuple[int, int, int], float] = defaultdict(float)
    for draw in draws:
        frames[draw.length, draw.width, draw.height] += draw.share * draw.clips * draw.frames
    clips = {kind: count / kind[0] for kind, count in frames.items()}
    shares = {kind: count / sum(clips.values()) for kind, count in clips.items()}
    mean = sum(share * slot_type(Shelf(*kind, 0, 0), points).itemsize for kind, share in shares.items())
    shelves = tuple(
        # Each writer needs a slot of its own.
        Shelf(*kind, slots=max(writers, int(size / mean * share)), share=share)
        for kind, share in sorted(shares.items())
    )
    return Layout(shelves, writers, points, reuse, seed, reprojected)
