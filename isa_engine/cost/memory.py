"""How much memory a generation takes: to within a tenth on a processor, where it was measured
(``tests/cost/test_memory_measured.py``); elsewhere to about a factor of two.
"""

from isa_engine.configuration import RAY_CHANNELS, ModelConfig
from isa_engine.configuration.policies import LATENTS_IN_MEMORY
from isa_engine.cost.generation import Work, seen, tiles_of, weight_count
from isa_engine.geometry.frames import (
    TEMPORAL_COMPRESSION,
    extended_count,
    frames_before,
    latent_count,
)
from isa_engine.geometry.surface import POINTS
from isa_engine.geometry.temporal_windows import temporal_windows

# The estimate may be so many times too high or too low, on devices on which it was not measured.
DOUBT = 2

_FLOAT = 4
# Floats in memory at once for each feature of a token, as measured: of tokens in a layer (queries, keys,
# values, the wide feed-forward, and what these are computed from), and of tokens that wait for their window.
_KEPT, _WAITING = 26, 2
# Frames of a piece that is decoded at once (``pipeline.isa.decode``), its side in latent pixels, and how many
# copies of its features are in memory at once; and floats of each pixel, where it is corrected after networks
# of windows, and of the frames that come of it. A pixel tail has features for every four pixels of a frame.
_PIECE_FRAMES, _PIECE_SIDE, _COPIES, _OF_PIXEL = 16, 128, 12, 12
_TAIL_COPIES, _TAIL_PIXELS = 1.5, 4
# Floats of each pixel of a plate that is larger than its canvas.
_LAID = 23
# Videos of latents: the noise, what it has become and becomes, the background's, and what is made of it.
_LATENTS = 5
# Bytes of the process itself, before any model.
_PROCESS = 0.54 * 2**30


def memory(config: ModelConfig, work: Work) -> float:
    """The most bytes in use at any time: the loaded model, and what the work takes beside it."""
    weights = sum(weight_count(config).values())
    return _PROCESS + _FLOAT * weights + memory_beside(config, work)


def memory_beside(config: ModelConfig, work: Work) -> float:
    """Bytes beside the loaded model: the larger of a denoising step and of a decoded piece, the points that a
    policy keeps from step to step, and the shot and its conditions."""
    # One segment is denoised after the other, so the longest counts.
    latents = max(seen(config, work))
    denoising = config.dit.width * _kept_latents(config, latents) * _tokens(config, work)
    side = _PIECE_SIDE * config.vae.spatial_compression
    pixels = min(work.width, side) * min(work.height, side) * min(_PIECE_FRAMES, extended_count(work.frames))
    of_pixel = _COPIES * config.vae.block_out_channels[0]
    if config.vae.window:
        # Networks on whole windows: one vector for all frames and pixels of a latent's.
        of_pixel = _OF_PIXEL + of_pixel / (config.vae.window**2 * TEMPORAL_COMPRESSION)
        of_pixel += _TAIL_COPIES * config.vae.tail_width / _TAIL_PIXELS
    # Laid over its background is a frame at a time; of the canvas's size that is among the copies.
    laid = _LAID * work.width * work.height * (work.plate_scale**2 - 1)
    decoding = of_pixel * pixels + laid
    points = frames_before(min(latents, LATENTS_IN_MEMORY)) * _points_of_tiles(config, work)
    kept = config.dit.layers * config.dit.width * points if work.policy.points > 1 else 0
    return _FLOAT * (max(denoising, decoding) + kept + _held(config, work))


def _held(config: ModelConfig, work: Work) -> float:
    """Floats that stay from the first step to the last and grow with the take, windows or not: the shot's
    points, and of the longest segment its points in two coordinate systems, on the canvas and once more for
    each tile that is told of them, its rays and its latents."""
    frames = max(extended_count(segment.frames) for segment in work.segments)
    places = (work.width // config.vae.spatial_compression) * (work.height // config.vae.spatial_compression)
    tokens = places // config.dit.patch**2
    of_latent = _LATENTS * config.vae.latent_channels * places + RAY_CHANNELS * tokens
    cut = _points_of_tiles(config, work) if tiles_of(config, work)[0] > 1 else 0
    of_frame = 2 * 3 * (work.characters * config.dit.points + cut)
    return work.frames * 3 * work.characters * POINTS + latent_count(frames) * of_latent + frames * of_frame


def _kept_latents(config: ModelConfig, latents: int) -> int:
    """How many latents are in memory, times the floats that each keeps a feature: all of a video; or with
    temporal windows those of one window, and those that wait in each layer (``dit.temporal_windows``)."""
    dit = config.dit
    if temporal_windows(latents, dit.temporal_window, dit.temporal_stride, dit.temporal_anchor) is None:
        return _KEPT * latents
    window = dit.temporal_window + dit.temporal_stride + dit.temporal_anchor
    return _KEPT * min(latents, window) + _WAITING * min(latents, dit.layers * window)


def _points_of_tiles(config: ModelConfig, work: Work) -> int:
    """Of how many points a frame the tiles of a segment are told, all tiles together."""
    everybody = tiles_of(config, work)[0] * work.characters * config.dit.points
    return max(map(sum, work.near), default=everybody)


def _tokens(config: ModelConfig, work: Work) -> int:
    """Tokens a latent frame that are seen at once: the video's or the points', whichever are more."""
    rows, columns = tiles_of(config, work)[1]
    space = rows * columns // config.dit.patch**2
    known = (points for told in work.near for points in told)
    return max(space, TEMPORAL_COMPRESSION * max(known, default=work.characters * config.dit.points))
