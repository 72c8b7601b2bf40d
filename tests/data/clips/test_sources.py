"""What the clips to learn from are told that their generator does not decide."""

import torch

from isa_engine.data.clips.sources import synthetic_clips, synthetic_humans


def test_half_of_the_clips_are_given_the_casts_shadows_with_their_background():
    clips, humans = synthetic_clips(16, "cpu"), synthetic_humans(16, "cpu")
    given = 0
    for seed in range(24):
        clip, whole = clips(seed, 1, 32, 32), humans.clip(seed, 1, 32, 32)
        if not torch.equal(clip.references, whole.references):
            whole = humans.clip_with_its_own_picture(seed, 1, 32, 32, later=24)
        assert torch.equal(clip.video, whole.video)
        with_shadows = torch.equal(clip.background, whole.shaded)
        assert with_shadows or torch.equal(clip.background, whole.background)
        given += with_shadows
    assert 6 <= given <= 18


def test_half_of_the_references_show_the_scene_itself():
    clips, humans = synthetic_clips(16, "cpu"), synthetic_humans(16, "cpu")
    own = 0
    for seed in range(24):
        references = clips(seed, 1, 32, 32).references
        of_another_day = torch.equal(references, humans.clip(seed, 1, 32, 32).references)
        same = humans.clip_with_its_own_picture(seed, 1, 32, 32, later=24)
        assert of_another_day != torch.equal(references, same.references)
        own += not of_another_day
    assert 6 <= own <= 18
