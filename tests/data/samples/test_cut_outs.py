"""Squares cut out of a batch are what Pillow cuts out of each picture."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from isa_engine.data.samples.cut_outs import cut_out
from isa_engine.pipeline.isa.references import _cut_out

shapes = st.sampled_from([(40, 40), (64, 36), (30, 56), (128, 72)])


@settings(deadline=None, max_examples=60)
@given(
    shape=shapes,
    size=st.sampled_from([32, 48]),
    squares=st.lists(
        st.tuples(st.floats(-0.2, 0.9), st.floats(-0.2, 0.9), st.floats(0.01, 1.1)), min_size=1, max_size=4
    ),
    seed=st.integers(0, 2**20),
)
def test_a_square_is_what_pillow_cuts_out_within_a_level_or_two(shape, size, squares, seed):
    height, width = shape
    pictures = np.random.default_rng(seed).integers(0, 256, (2, height, width, 3), dtype=np.uint8)
    side = np.array([max(1.0, part * max(shape)) for *_, part in squares])
    # Where close-ups are: within the picture, or about its middle where they are larger.
    spare = np.array([width, height]) - side[:, None]
    corner = np.array([[x * width, y * height] for x, y, _ in squares]).clip(0, spare.clip(0))
    corner = np.where(spare < 0, spare / 2, corner)
    which = np.arange(len(squares)) % 2
    made = cut_out(
        torch.from_numpy(pictures).permute(0, 3, 1, 2) / 127.5 - 1,
        torch.from_numpy(which),
        torch.from_numpy(corner),
        torch.from_numpy(side),
        size,
    )
    for k, picture in enumerate(which):
        truth = _cut_out(Image.fromarray(pictures[picture]), corner[k], side[k], size)
        levels = ((made[k] - truth) * 127.5).abs().round()
        # Noise is the worst of pictures for a rounding on the first axis that falls otherwise.
        assert levels.max() <= 2
        assert (levels > 1).float().mean() < 0.005
