"""What a shot will cost an engine: time by the model's operations, memory to about a factor of two."""

from dataclasses import dataclass

from isa_engine.configuration import ModelConfig
from isa_engine.cost import generation
from isa_engine.geometry.frames import extended_count, latent_count
from isa_engine.shot import canvas_size

_FLOAT = 4
# Floats kept a feature at a time: queries, keys, values, the wide feed-forward and what they are made from.
_KEPT = 14
# Video frames of a decoded piece (``pipeline.generate``), its side in latent pixels, copies of its features.
_PIECE_FRAMES, _PIECE_SIDE, _COPIES = 16, 128, 12
# The process itself, before any model.
_PROCESS = 0.6 * 2**30


# Operations a second that an engine reaches, as long as none of its plates tells better.
_PACES = {"cpu": 5e10, "cuda": 1e14, "mps": 2e12}


@dataclass(frozen=True)
class Work:
    """A shot's size.

    Attributes:
        frames: generated ones.
        frame_shape: width and height of the camera's frame, of which each model paints its own canvas.
        characters: in the cast.
        steps, guidance: of the denoising.
    """

    frames: int
    frame_shape: tuple[float, float]
    characters: int
    steps: int
    guidance: float


def memory(config: ModelConfig, work: Work) -> float:
    """Bytes at the highest: the loaded model, and what the work takes beside it."""
    weights = sum(generation.weight_count(config).values())
    return _PROCESS + _FLOAT * weights + memory_beside(config, work)


def memory_beside(config: ModelConfig, work: Work) -> float:
    """Bytes beside the loaded model: the larger of a denoising step and of a decoded piece."""
    video, points = _tokens(config, work)
    denoising = _KEPT * config.dit.width * max(video, points)
    side = _PIECE_SIDE * config.vae.spatial_compression
    width, height = _canvas(config, work)
    pixels = min(width, side) * min(height, side) / (config.vae.window or 1) ** 2
    decoding = _COPIES * min(_PIECE_FRAMES, extended_count(work.frames)) * pixels
    decoding *= config.vae.block_out_channels[0]
    return _FLOAT * max(denoising, decoding)


def seconds(config: ModelConfig, work: Work, device: str, pace: float | None = None) -> float | None:
    """How long it takes; None: nothing is known of the engine.

    Args:
        device: the engine's, as ``protocol.Health`` has it.
        pace: operations a second that an earlier plate of this model was made with.
    """
    # Of several workers one takes the job.
    pace = pace or _PACES.get(device.partition(",")[0].partition(":")[0])
    return operations(config, work) / pace if pace else None


def operations(config: ModelConfig, work: Work) -> float:
    """Floating point operations of the whole generation."""
    width, height = _canvas(config, work)
    sized = generation.Work(work.frames, width, height, work.characters, work.steps, work.guidance)
    return sum(generation.generation(config, sized).values())


def _tokens(config: ModelConfig, work: Work) -> tuple[int, int]:
    """Video tokens, and the cast's point tokens of all frames."""
    latents = latent_count(work.frames)
    width, height = _canvas(config, work)
    space = (width // config.multiple) * (height // config.multiple)
    return latents * space, extended_count(work.frames) * work.characters * config.dit.points


def _canvas(config: ModelConfig, work: Work) -> tuple[int, int]:
    return canvas_size(*work.frame_shape, config.short_side, config.multiple)
