"""Parameters of ISA-DiT by part."""

from dataclasses import asdict

import torch

from isa_engine.configuration import DiTConfig
from isa_engine.dit.isa_dit import ISADiT


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
