"""Where the networks of a Wan-VACE lie: on the device, or in the machine's memory until they are run.

What is offloaded comes to the device layer by layer, by diffusers' hooks, and paints the same bits.
"""

from collections.abc import Sequence

import torch
from torch import nn

from isa_engine.errors import ModelError
from isa_engine.models.kind import Description, Way
from isa_engine.models.room import longest_work
from isa_engine.pipeline.device import fastest, free_memory

# The transformer goes a block at a time, the text encoder, whose layers are few and large, a layer at a time.
_UNITS = {
    "transformer": {"offload_type": "block_level", "num_blocks_per_group": 1},
    "text_encoder": {"offload_type": "leaf_level"},
}


def way(model: Description, device: torch.device) -> Way:
    """The fastest that fits the device.

    Raises:
        ModelError: there is none.
    """
    if found := fastest(model, device):
        return found
    least = min(each.bytes for each in model.ways(longest_work(model), device.type)) / 2**30
    free = free_memory(device) / 2**30
    problem = f"'{model.name}' needs {least:.3g} GiB of {device}, of which {free:.3g} are free"
    raise ModelError(problem, remedy="Use a larger GPU, or add it with --fp8.")


def place(networks: dict[str, nn.Module], offloaded: Sequence[str], device: torch.device) -> None:
    """Put networks, which are in the machine's memory, where they are to lie."""
    from diffusers.hooks import apply_group_offloading

    for part, network in networks.items():
        if part in offloaded:
            here, stream = torch.device("cpu"), device.type == "cuda"
            apply_group_offloading(network, device, here, **_UNITS[part], use_stream=stream)
        else:
            network.to(device)
