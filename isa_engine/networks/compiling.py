"""Networks whose repeated blocks are compiled, each alone: what is compiled of one serves all alike."""

from collections.abc import Iterable

import torch
from torch import nn


def compile_blocks(blocks: Iterable[nn.Module]) -> None:
    """Compile each alone, for batches of any shape."""
    # Sizes that are equal in the first batch (a square's sides) are not in the next: told apart from the
    # start, they need no other graph. Single frames, and attention that is short, have one of their own.
    torch.fx.experimental._config.use_duck_shape = False
    # All modules that are compiled share the count. A take in windows needs most of it.
    torch._dynamo.config.recompile_limit = 64
    for block in blocks:
        block.compile(dynamic=True)


def run_eagerly(blocks: Iterable[nn.Module]) -> None:
    """Undo ``compile_blocks``."""
    for block in blocks:
        for module in block.modules():
            module._compiled_call_impl = None
    torch._dynamo.reset()


def why_not(device: torch.device) -> str:
    """Why nothing can be compiled for a device; empty: it can. Only trying tells: a compiler may be missing,
    or be there and fail."""
    try:
        torch.compile(_anything)(torch.zeros(2, device=device))
    except Exception as error:
        return (str(error).strip().splitlines() or [type(error).__name__])[0]
    return ""


def _anything(x: torch.Tensor) -> torch.Tensor:
    return x.sin() + 1
