"""The least key is the nearest's."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from isa_engine.geometry.depth_keys import EMPTY, depth_key, index_of

depths = st.floats(0, 1e6, width=32)
indices = st.integers(0, 2**24 - 1)


@given(st.lists(st.tuples(depths, indices), min_size=1, max_size=20))
def test_the_least_key_is_nearest_and_knows_its_index(candidates):
    depth, index = (torch.tensor(values) for values in zip(*candidates, strict=True))
    keys = depth_key(depth, index)
    assert (index_of(keys) == index).all()
    assert (keys < EMPTY).all()
    nearest = keys.argmin()
    # To a hundredth of a millimetre, or to what single precision tells apart.
    assert depth[nearest] <= depth.min() * (1 + 1e-6) + 1e-5


def test_nothing_has_no_index():
    assert index_of(torch.tensor([EMPTY])).item() == -1
