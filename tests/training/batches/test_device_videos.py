"""Videos from a ring are cut and played as the autoencoder's augmentations do it to one clip."""

import dataclasses

import pytest
import torch

from isa_engine.training.batches.device_videos import DeviceVideos, _cropped
from isa_engine.training.configuration import VAETraining
from isa_engine.training.ring.ring import Ring
from isa_engine.training.ring.shelves import draws_of_vae, layout_for
from tests.training.clip_sources import plain_clip
from tests.training.operators import Operators
from tests.training.ring.test_ring import fill

SETTINGS = VAETraining(frames=(5, 9), steps=(1, 1), batch=3, height=16, width=24, shift=8, fastest=1.5)


@pytest.fixture
def videos(tmp_path):
    ring = Ring.create(tmp_path, layout_for(draws_of_vae(SETTINGS), 4, 1, 3_000_000, 5.0, 0))
    fill(ring, 12)
    return DeviceVideos(ring, SETTINGS, "cpu")


def test_batches_are_of_the_recipes_sizes_and_differ(videos):
    videos.wait()
    made = [videos(number) for number in range(6)]
    assert {video.shape[2] for video in made} == {5, 9}
    for video in made:
        assert video.shape[:2] == (3, 4)
        assert video.shape[3:] == (16, 24)
        assert video.abs().max() <= 1
        assert set(video[:, 3].unique().tolist()) <= {-1.0, 1.0}
    assert videos.latent_frames == sum(3 * (1 + (video.shape[2] - 1) // 4) for video in made)
    assert not any(a.shape == b.shape and torch.equal(a, b) for k, a in enumerate(made) for b in made[:k])
    assert videos(-1).shape[:2] == (3, 4)


def test_a_frame_begins_at_its_corner():
    rows, columns = torch.meshgrid(torch.arange(20.0), torch.arange(30.0), indexing="ij")
    video = torch.stack([rows, columns]).view(1, 2, 1, 20, 30).expand(2, 2, 3, 20, 30)
    corners = torch.tensor([[[0, 0], [1, 2], [4, 6]], [[4, 0], [3, 5], [2, 1]]])
    cropped = _cropped(video, corners, 16, 24)
    assert cropped.shape == (2, 2, 3, 16, 24)
    for clip in range(2):
        for frame in range(3):
            y, x = corners[clip, frame].tolist()
            assert torch.equal(cropped[clip, :, frame], video[clip, :, frame, y : y + 16, x : x + 24])


def test_the_matte_is_mirrored_with_the_colours(videos):
    plain = plain_clip(0, 7, 24, 32)
    plain.mask[..., :10] = 0
    plain.video[...] = plain.mask / 2 - 1
    for versions in videos.ring.versions:
        versions[:] = 0
    videos.ring.drawn[:] = 10**9
    fill(videos.ring, 200, lambda seed, frames, height, width: _as_long(plain, frames))
    flipped = 0
    for number in range(8):
        video = videos(number)
        seen = torch.where(video[:, 0] > video[:, 0].amin(), 1.0, -1.0)
        assert torch.equal(seen, video[:, 3])
        flipped += int((video[:, 3, 0, 0, -1] < 0).sum())
    assert flipped > 0


def _as_long(clip, frames):
    """A still clip of another length."""
    more = torch.zeros(frames, dtype=torch.long)
    return dataclasses.replace(
        clip,
        **{name: getattr(clip, name)[:, more] for name in ("video", "background")},
        **{
            name: getattr(clip, name)[more]
            for name in ("mask", "points", "normals", "intrinsics", "camera_to_world")
        },
    )


def test_a_batch_is_made_without_waiting(videos, monkeypatch):
    drawn = videos._draw(0)
    monkeypatch.setattr(videos, "_drawn", lambda number: drawn)
    with Operators() as operators:
        videos(0)
    assert operators.waits == {}
