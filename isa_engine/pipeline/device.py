"""Where a model's networks live."""

import torch

from isa_engine.errors import ModelError


def device_of(name: str) -> torch.device:
    """By its name; "auto" takes a GPU if there is one.

    Raises:
        ModelError: there is none of that name.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ModelError(f"there is no device '{name}'", remedy="Use cpu, cuda or auto.") from error
    return device
