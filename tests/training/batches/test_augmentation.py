"""The augmentations move pictures and time, and invent neither."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_engine.training.batches.augmentation import dynamic_speed, random_structured_motion


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**20), frames=st.integers(1, 9))
def test_structured_motion_gives_windows_of_the_frames_it_was_given(seed, frames):
    rows, columns = torch.meshgrid(torch.arange(20.0), torch.arange(24.0), indexing="ij")
    video = torch.stack([rows, columns]).unsqueeze(1).expand(2, frames, 20, 24)
    moved = random_structured_motion(video, 16, 16, generator(seed))
    assert moved.shape == (2, frames, 16, 16)
    corner = moved[:, :, 0, 0]
    for k in range(frames):
        y, x = corner[:, k].int().tolist()
        assert torch.equal(moved[:, k], video[:, k, y : y + 16, x : x + 16])


def test_structured_motion_moves():
    columns = torch.arange(96.0).expand(1, 33, 96, 96)
    corners = random_structured_motion(columns, 64, 64, generator(0))[0, :, 0, 0]
    assert corners.unique().numel() > 4


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**20),
    given_frames=st.integers(1, 40),
    frames=st.integers(1, 17),
    fastest=st.floats(0.5, 4),
)
def test_speed_picks_frames_in_order_and_never_blends(seed, given_frames, frames, fastest):
    video = torch.arange(float(given_frames)).view(1, -1, 1, 1)
    picked = dynamic_speed(video, frames, fastest, generator(seed)).flatten()
    assert len(picked) == frames
    assert set(picked.tolist()) <= set(range(given_frames))
    steps = picked.diff()
    assert (steps >= 0).all()
    assert (steps <= fastest + 1).all()
