"""What the clips to learn from are told that their generator does not decide."""

import torch

from isa_engine.data.clips.sources import synthetic_clips, synthetic_humans


def test_half_of_the_clips_are_given_the_casts_shadows_with_their_background():
    clips, humans = synthetic_clips(16, "cpu"), synthetic_humans(16, "cpu")
    given = 0
    for seed in range(24):
        clip, whole = clips(seed, 1, 32, 32), humans.clip(seed, 1, 32, 32)
        assert torch.equal(clip.video, whole.video)
        with_shadows = torch.equal(clip.background, whole.shaded)
        assert with_shadows or torch.equal(clip.background, whole.background)
        given += with_shadows
    assert 6 <= given <= 18
