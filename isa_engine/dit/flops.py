"""What ISA-DiT costs: floating point operations of a forward pass and parameters, by part.

Counts matrix products and attention, a multiplication and an addition as two, as torch's ``FlopCounterMode``
does. Element-wise work is left out by both; so is attention within groups of a few tokens, which is that.
"""

from dataclasses import asdict

import torch

from isa_engine.configuration import DiTConfig
from isa_engine.dit.attention import is_short
from isa_engine.dit.camera import RAY_CHANNELS
from isa_engine.dit.isa_block import NEW_BRANCHES
from isa_engine.dit.isa_dit import TIMESTEP_FEATURES, ISADiT
from isa_engine.dit.normal_maps import NORMAL_CHANNELS
from isa_engine.dit.transformer import MODULATIONS
from isa_engine.geometry.frames import TEMPORAL_COMPRESSION


def forward_flops(
    config: DiTConfig, latents: int, height: int, width: int, characters: int, image_tokens: int
) -> dict[str, int]:
    """One forward pass over one video; a denoising step with guidance makes two.

    Args:
        latents: t.
        height, width: in latent pixels.
        characters: in the cast.
        image_tokens: L, of all reference pictures.

    Returns:
        operations of each part; their sum is the whole.
    """
    d, layers, c = config.width, config.layers, config.latent_channels
    space = (height // config.patch) * (width // config.patch)
    video = latents * space
    frames = 1 + TEMPORAL_COMPRESSION * (latents - 1)
    maps = config.conditioning == "controlnet-2d"
    points = 0 if maps else characters * config.points
    cast = frames * points
    window = TEMPORAL_COMPRESSION * points
    token = config.patch**2 * c

    def linear(tokens: int, inside: int, outside: int) -> int:
        return 2 * tokens * inside * outside

    def square(tokens: int, count: int) -> int:
        return count * linear(tokens, d, d)

    def attention(groups: int, queries: int, keys: int) -> int:
        return 0 if is_short(queries, keys) else 4 * groups * queries * keys * d

    # Projections of Q, K, V and the output, and a feed-forward four times as wide.
    block = 4 + 8
    if maps:
        embedding = linear(video, NORMAL_CHANNELS * config.patch**2, d) + square(video, 1)
        body = {"control": layers * square(video, 1)}
    else:
        embedding = square(cast, 2) + linear(points, c, d)
        rendering = square(video, 2 + 8) + square(cast, 2) + attention(latents, space, window + 1)
        reconstruction = square(cast, 2 + 8) + square(video, 2) + attention(latents, window, space)
        body = {
            "point_temporal": layers * (square(cast, block) + attention(points, frames, frames + 1)),
            "isa": layers * rendering + (layers - 1) * reconstruction,
        }
    return {
        "embedding": linear(video, (4 if config.identity_splat else 3) * token, d)
        + embedding
        + linear(video, RAY_CHANNELS, d)
        + linear(image_tokens, config.image_width, d),
        "modulation": linear(1, TIMESTEP_FEATURES, d)
        + square(1, 1 + NEW_BRANCHES[config.conditioning] * MODULATIONS + layers * MODULATIONS),
        "spatial": layers * (square(video, block) + attention(latents, space, space)),
        "temporal": layers * (square(video, block) + attention(space, latents, latents)),
        **body,
        "camera": layers * (square(video, 4) + attention(latents, space, space)),
        "image": layers
        * (square(video, 2) + square(image_tokens, 2) + attention(1, video, image_tokens + 1)),
        "output": square(1, 2) + linear(video, d, token),
    }


def parameters(config: DiTConfig) -> dict[str, int]:
    """Parameters of each part, counted on the meta device: nothing is allocated."""
    with torch.device("meta"):
        model = ISADiT(**asdict(config))
    parts = dict.fromkeys(_PART_OF, 0)
    owner = {module: part for part, modules in _PART_OF.items() for module in modules}
    for name, parameter in model.named_parameters():
        module = name.split(".")[2] if name.startswith("transformer_blocks.") else name.split(".")[0]
        part = owner.get(module, module)
        parts[part] = parts.get(part, 0) + parameter.numel()
    return parts


_PART_OF = {
    "embedding": ("patchify", "splat", "point_tokens", "normal_tokens", "camera_tokens", "image_tokens"),
    "modulation": ("time", "shared_modulation", "spatial_modulation", "modulation_table"),
    "output": ("modulation_out", "unpatchify", "difference"),
}
