"""A depth and an index in one integer, so that the least of several is that of the nearest thing.

A z-buffer is then one ``amin`` over int64, in any order and with the same result on every device. Of equally
near things, the one with the lower index wins.
"""

import torch
from torch import Tensor

# Depth is compared in steps of a hundredth of a millimetre, the index in the bits below.
_DEPTH_STEPS = 1e5
_INDEX_BITS = 24
# Larger than any key: it stands for "nothing here".
EMPTY = 2**62


def depth_key(depth: Tensor, index: Tensor) -> Tensor:
    """int64 keys of things, one each: ``depth`` in metres, ``index`` below 2²⁴, both of any one shape."""
    return ((depth * _DEPTH_STEPS).long() << _INDEX_BITS) | index


def index_of(key: Tensor) -> Tensor:
    """The index in each key, int64 of the same shape; −1 where it is ``EMPTY``."""
    return torch.where(key == EMPTY, -1, key & (2**_INDEX_BITS - 1))
