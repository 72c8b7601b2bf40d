"""What a shot will cost an engine: memory and time by the model's numbers, to about a factor of two."""

from dataclasses import dataclass

from isa_engine.configuration import ModelConfig
from isa_engine.geometry.frames import TEMPORAL_COMPRESSION, extended_count, latent_count
from isa_engine.shot import canvas_size

_FLOAT = 4
# Square weight matrices of a layer: three blocks with their feed-forwards, the ISA branches, camera, image.
_MATRICES = 68
# Of them, those that a video token and a point token pass.
_VIDEO_MATRICES, _POINT_MATRICES = 42, 24
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
    weights = _MATRICES * config.dit.layers * config.dit.width**2 + _vae_weights(config)
    weights += 12 * config.image_tower.layers * config.image_tower.width**2
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
    video, points = _tokens(config, work)
    d, space = config.dit.width, video / latent_count(work.frames)
    seen = TEMPORAL_COMPRESSION * work.characters * config.dit.points
    alone = 2 * d**2 * _VIDEO_MATRICES * video + 8 * d * video * space
    cast = 2 * d**2 * _POINT_MATRICES * points + 8 * d * video * seen
    # Guidance asks a second branch, where nobody is.
    a_step = alone * (1 if work.guidance == 1 else 2) + cast
    return work.steps * config.dit.layers * a_step + _decoding(config, work)


def _tokens(config: ModelConfig, work: Work) -> tuple[int, int]:
    """Video tokens, and the cast's point tokens of all frames."""
    latents = latent_count(work.frames)
    width, height = _canvas(config, work)
    space = (width // config.multiple) * (height // config.multiple)
    return latents * space, extended_count(work.frames) * work.characters * config.dit.points


def _canvas(config: ModelConfig, work: Work) -> tuple[int, int]:
    return canvas_size(*work.frame_shape, config.short_side, config.multiple)


def _vae_weights(config: ModelConfig) -> float:
    layers = 2 * config.vae.layers_per_block + 1
    return sum(layers * 2 * 27 * width**2 for width in config.vae.block_out_channels)


def _decoding(config: ModelConfig, work: Work) -> float:
    """Of the decoder's residual blocks, which are almost all of it."""
    vae, total = config.vae, 0.0
    width, height = _canvas(config, work)
    for level, channels in enumerate(vae.block_out_channels):
        # The two finest but the first halve time on the way down.
        frames = work.frames / (1, 2)[level] if level < 2 else latent_count(work.frames)
        pixels = frames * width * height / ((vae.window or 1) * 2**level) ** 2
        total += (vae.layers_per_block + 1) * 2 * 2 * 27 * channels**2 * pixels
    return total
