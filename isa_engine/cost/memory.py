"""How much memory a generation takes, to about a factor of two."""

from isa_engine.configuration import ModelConfig
from isa_engine.cost.generation import Work, weight_count
from isa_engine.geometry.frames import extended_count, latent_count

# The estimate may be so many times too high or too low.
DOUBT = 2

_FLOAT = 4
# Floats kept a feature at a time: queries, keys, values, the wide feed-forward and what they are made from.
_KEPT = 14
# Video frames of a decoded piece (``pipeline.generate``), its side in latent pixels, copies of its features.
_PIECE_FRAMES, _PIECE_SIDE, _COPIES = 16, 128, 12
# The process itself, before any model.
_PROCESS = 0.6 * 2**30


def memory(config: ModelConfig, work: Work) -> float:
    """Bytes at the highest: the loaded model, and what the work takes beside it."""
    weights = sum(weight_count(config).values())
    return _PROCESS + _FLOAT * weights + memory_beside(config, work)


def memory_beside(config: ModelConfig, work: Work) -> float:
    """Bytes beside the loaded model: the larger of a denoising step and of a decoded piece."""
    denoising = _KEPT * config.dit.width * max(_tokens(config, work))
    side = _PIECE_SIDE * config.vae.spatial_compression
    pixels = min(work.width, side) * min(work.height, side) / (config.vae.window or 1) ** 2
    decoding = _COPIES * min(_PIECE_FRAMES, extended_count(work.frames)) * pixels
    decoding *= config.vae.block_out_channels[0]
    return _FLOAT * max(denoising, decoding)


def _tokens(config: ModelConfig, work: Work) -> tuple[int, int]:
    """Video tokens, and the cast's point tokens of all frames."""
    space = (work.width // config.multiple) * (work.height // config.multiple)
    points = extended_count(work.frames) * work.characters * config.dit.points
    return latent_count(work.frames) * space, points
