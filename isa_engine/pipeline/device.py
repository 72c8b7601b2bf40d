"""Where a model's networks live."""

import torch

from isa_engine.errors import ModelError
from isa_engine.models.kind import Description, Way
from isa_engine.models.room import fitting, longest_work


def device_of(name: str) -> torch.device:
    """By its name; "auto" takes a GPU if there is one.

    Raises:
        ModelError: there is none of that name.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        # On "meta" nothing is kept, so that nothing comes back.
        torch.empty(0, device=device).cpu()
    except (RuntimeError, AssertionError, ImportError) as error:
        known = "cpu, cuda or auto" if torch.cuda.is_available() else "cpu or auto: PyTorch finds no GPU here"
        raise ModelError(f"there is no device '{name}'", remedy=f"Use {known}.") from error
    return device


def free_memory(device: torch.device) -> int | None:
    """Bytes of a GPU that a model may take; None where its memory is the machine's own."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else None


def fastest(model: Description, device: torch.device) -> Way | None:
    """The fastest way in which the longest take that the model is made for fits into the device; None: none
    does."""
    ways, free = model.ways(longest_work(model), device.type), free_memory(device)
    return ways[0] if free is None else fitting(ways, free)
