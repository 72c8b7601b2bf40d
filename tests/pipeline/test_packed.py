"""Arrays kept packed come back as they were."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from isa_engine.pipeline.packed import Packed

KINDS = st.sampled_from([np.dtype(kind) for kind in (bool, np.uint8, np.int64, np.float32, np.float64)])


@given(array=KINDS.flatmap(lambda kind: arrays.arrays(kind, arrays.array_shapes(max_dims=4))))
def test_an_array_comes_back_bit_for_bit_however_it_lay_in_memory(array):
    for each in (array, array.T):
        kept = Packed.of(each).array()
        assert (kept.dtype, kept.shape, kept.tobytes()) == (each.dtype, each.shape, each.tobytes())


def test_a_mask_takes_little_and_nobody_writes_into_what_is_kept():
    mask = np.zeros((400, 800), np.float32)
    mask[100:300, 200:400] = 1
    packed = Packed.of(mask)
    assert len(packed.data) < mask.nbytes / 100
    with pytest.raises(ValueError, match="read-only"):
        packed.array()[0, 0] = 1
