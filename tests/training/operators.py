"""What a piece of work asks of a device, counted."""

from collections import Counter

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

# What the host must wait for: a value that it reads, or a shape that depends on values.
WAITING = (
    *("_local_scalar_dense", "item", "is_nonzero", "equal", "allclose"),
    *("nonzero", "nonzero_numpy", "masked_select", "unique_dim", "_unique2", "unique_consecutive"),
    *("repeat_interleave", "bincount"),
)


class Operators(TorchDispatchMode):
    """Attributes:
    calls: of each operator, by name, without its overload.
    kernels: calls of those that compute, and not merely look at memory in another way.
    """

    def __init__(self):
        super().__init__()
        self.calls: Counter[str] = Counter()
        self.kernels = 0

    @property
    def waits(self) -> dict[str, int]:
        """Calls for which the host waits until the device is done."""
        return {name: self.calls[name] for name in WAITING if self.calls[name]}

    def __torch_dispatch__(self, operator, types, arguments=(), keywords=None):
        name = operator.overloadpacket.__name__
        self.calls[name] += 1
        views = operator.is_view or name in ("_unsafe_view", "detach", "empty", "empty_like", "lift_fresh")
        self.kernels += not views
        # Indexing by a mask finds out how many there are.
        indices = arguments[1] if name.startswith("index") and len(arguments) > 1 else None
        for index in indices if isinstance(indices, (list, tuple)) else []:
            if isinstance(index, torch.Tensor) and index.dtype == torch.bool:
                self.calls["nonzero"] += 1
        return operator(*arguments, **(keywords or {}))


class CopiesFromTheHost(TorchDispatchMode):
    """Attributes:
    found: operators that brought a tensor of the processor to the meta device, which stands for a GPU.
    """

    def __init__(self):
        super().__init__()
        self.found: list[str] = []

    def __torch_dispatch__(self, operator, types, arguments=(), keywords=None):
        result = operator(*arguments, **(keywords or {}))
        inputs = [value for value in tree_leaves((arguments, keywords)) if isinstance(value, torch.Tensor)]
        outputs = [value for value in tree_leaves(result) if isinstance(value, torch.Tensor)]
        on_device = any(value.is_meta for value in outputs)
        if on_device and any(not value.is_meta for value in inputs):
            self.found.append(str(operator))
        return result
