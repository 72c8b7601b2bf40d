"""The clips that a model is measured on."""

import pytest
import torch

from isa_engine.data.scenario.split import HELD_OUT, HELD_OUT_RICH
from isa_engine.errors import DataError
from isa_engine.evaluation.held_out.clips import EASIEST, HeldOut
from isa_engine.evaluation.held_out.kinds import ONE, Kind
from isa_engine.evaluation.measures.silhouette import iou


def test_the_repeated_reference_covers_the_cast_badly(one, several):
    for clips in (one, several):
        overlaps = [iou(clip.repeated_mask, clip.mask) for clip in clips]
        assert sum(overlaps) / len(overlaps) <= EASIEST


def test_casts_have_the_sizes_that_were_asked_for(one, several):
    assert [clip.clip.points.shape[1] for clip in one] == [1, 1]
    assert [clip.clip.points.shape[1] for clip in several] == [2, 3]


def test_the_same_clips_come_every_time(clips, one):
    again = next(HeldOut(clips.frames, clips.height, clips.width, clips.seed, "cpu").clips(ONE, 1))
    assert again.seed == one[0].seed
    assert torch.equal(again.clip.video, one[0].clip.video)
    assert len({clip.seed for clip in one}) == 2


def test_nobody_wears_the_screen(one, several):
    for clip in (*one, *several):
        assert clip.tolerance > 0.2
        assert torch.allclose(clip.clip.background, clip.screen.view(3, 1, 1, 1).expand_as(clip.clip.video))


def test_references_show_each_of_their_people_where_it_is(several):
    for clip in several:
        assert len(clip.reference_worn) == clip.clip.points.shape[1]
        assert any(worn.seen.any() for worn in clip.reference_worn)
        for picture, worn in zip(clip.clip.reference_of.tolist(), clip.reference_worn, strict=True):
            lightest = clip.clip.references[picture].amax((1, 2)) / 2 + 0.5
            assert (worn.colours <= lightest + 1e-6).all()
            assert (worn.colours[worn.seen == 0] == 0).all()


def test_a_still_camera_stands_still_and_so_does_the_set(clips):
    clip = next(clips.clips(Kind("still", (1,), camera="still"), 1)).clip
    assert (clip.camera_to_world == clip.camera_to_world[0]).all()
    assert torch.allclose(clip.background, clip.background[:, :1].expand_as(clip.background), atol=1e-5)
    assert (clip.mask[0] != clip.mask[-1]).any()


def test_rich_clips_are_drawn_from_what_training_sees(clips, one):
    rich = HeldOut(clips.frames, clips.height, clips.width, clips.seed, "cpu", HELD_OUT_RICH)
    drawn = next(rich.clips(ONE, 1))
    assert (clips.split, rich.split.distribution.detailed) == (HELD_OUT, True)
    assert drawn.mask.any()
    assert drawn.tolerance > 0.2
    assert torch.allclose(drawn.clip.background, drawn.screen.view(3, 1, 1, 1).expand_as(drawn.clip.video))
    assert not torch.equal(drawn.clip.video, one[0].clip.video)
    actor = rich.humans.clip_and_cast(drawn.seed, clips.frames, clips.height, clips.width, 1, "flat")[1][0]
    assert HELD_OUT_RICH.owns_look(*actor.look.garments)


def test_what_cannot_be_found_is_said(monkeypatch):
    # Nobody covers so much of the picture.
    monkeypatch.setattr("isa_engine.evaluation.held_out.clips._COVERED", 2.0)
    monkeypatch.setattr("isa_engine.evaluation.held_out.clips._DRAWS", 1)
    with pytest.raises(DataError, match="only 0 of 2"):
        list(HeldOut(1, 16, 16, 0, "cpu").clips(ONE, 2))
