"""Where the networks of a Wan-VACE lie: on the device, or in the machine's memory until they are run.

What is offloaded comes to the device layer by layer, by diffusers' hooks, and paints the same bits.
"""

from collections.abc import Sequence

import torch
from torch import nn

from isa_engine.errors import ModelError
from isa_engine.models.kind import Description, Way
from isa_engine.models.room import fitting, longest_work

# The transformer goes a block at a time, the text encoder, whose layers are few and large, a layer at a time.
_UNITS = {
    "transformer": {"offload_type": "block_level", "num_blocks_per_group": 1},
    "text_encoder": {"offload_type": "leaf_level"},
}


def free_memory(device: torch.device) -> int | None:
    """Bytes of a GPU that a model may take; None where its memory is the machine's own."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else None


def way(model: Description, device: torch.device) -> Way:
    """The fastest way in which the longest take that the model is made for fits into the device.

    Raises:
        ModelError: there is none.
    """
    ways, free = model.ways(longest_work(model)), free_memory(device)
    if free is None:
        return ways[0]
    found = fitting(ways, free)
    if found is None:
        least = min(each.bytes for each in ways) / 2**30
        problem = f"'{model.name}' needs {least:.3g} GiB of {device}, of which {free / 2**30:.3g} are free"
        raise ModelError(problem, remedy="Use a larger GPU, or add it with --fp8.")
    return found


def place(networks: dict[str, nn.Module], offloaded: Sequence[str], device: torch.device) -> None:
    """Put networks, which are in the machine's memory, where they are to lie."""
    from diffusers.hooks import apply_group_offloading

    for part, network in networks.items():
        if part in offloaded:
            here, stream = torch.device("cpu"), device.type == "cuda"
            apply_group_offloading(network, device, here, **_UNITS[part], use_stream=stream)
        else:
            network.to(device)
