"""A denoising step that several workers share (``dit.shared_windows``): what each computes, and what it is
sent.
"""

import math
from dataclasses import dataclass

from isa_engine.configuration import ModelConfig
from isa_engine.cost.generation import Work, step, tiles_of
from isa_engine.cost.products import operations
from isa_engine.geometry.frames import frames_before, latent_count
from isa_engine.geometry.temporal_windows import Share, TemporalWindows, shares, temporal_windows

# Tokens pass in single precision, which the residual stream has on every device.
_BYTES = 4
_ACROSS_TIME = ("temporal", "point_temporal")


@dataclass(frozen=True)
class SharedStep:
    """One worker's part of a step under the policy that computes everything.

    Attributes:
        latents: of its share.
        operations: floating point operations, to a few percent where shares are of unequal lengths.
        received: bytes of tokens that other workers send it.
        waits: how often it takes tokens from another worker.
    """

    latents: int
    operations: float
    received: int
    waits: int


def shared_step(config: ModelConfig, work: Work, workers: int) -> list[SharedStep]:
    """The parts of a step, in the order of time; fewer than workers where there are no more shares.

    Args:
        work: ``policy`` and ``steps`` do not count.
    """
    total, parts = latent_count(work.frames), operations(step(config, work))
    dit = config.dit
    windows = temporal_windows(total, dit.temporal_window, dit.temporal_stride, dit.temporal_anchor)
    dealt = [] if windows is None else shares(windows, workers)
    if len(dealt) < 2:
        return [SharedStep(total, sum(parts.values()), 0, 0)]
    across = sum(parts.get(part, 0) for part in _ACROSS_TIME)
    elsewhere = sum(parts.values()) - across
    found = []
    for number, share in enumerate(dealt):
        latents = share.last - share.first
        own = across * len(share.starts) / len(windows.starts) + elsewhere * latents / total
        found.append(SharedStep(latents, own, *_received(config, work, windows, dealt, number)))
    return found


def _received(
    config: ModelConfig, work: Work, windows: TemporalWindows, dealt: list[Share], number: int
) -> tuple[int, int]:
    """Bytes and messages of a step.

    Of the worker after this one come its first latents, which this one's windows reach into; of the worker
    before, what that one's windows say of this one's first latents; of the first worker, the anchor.
    """
    tiles, size = tiles_of(config, work)
    space = math.prod(size) // config.dit.patch**2
    own, first, last = dealt[number], number == 0, number == len(dealt) - 1
    spans = [] if last else [(own.last, own.last + own.ahead(windows))]
    if not first:
        spans += [(own.first, own.first + dealt[number - 1].ahead(windows))]
        spans += [(0, windows.anchor)] if windows.anchor else []
    latents = sum(end - begin for begin, end in spans)
    frames = sum(frames_before(end) - frames_before(begin) for begin, end in spans)
    branches, layers = 1 if work.guidance == 1 else 2, config.dit.layers
    if config.dit.conditioning == "controlnet-2d":
        tokens, passes = branches * latents * space, branches
    else:
        # The branch with nobody in it has no points, and sends messages without any.
        points = work.characters * config.dit.points
        tokens, passes = branches * latents * space + frames * points, 2 * branches
    layers *= tiles
    return layers * config.dit.width * _BYTES * tokens, layers * passes * len(spans)
