"""A clip's plate has the set's own pixels, of a person the outline, and the shadow on the ground."""

import dataclasses

import pytest

from isa_engine.data.clips.reprojected_clip import reprojected_clip
from isa_engine.evaluation.candidates.plates import laid_over_background
from isa_engine.evaluation.candidates.videos import through_autoencoder
from isa_engine.evaluation.held_out.clips import HeldOut
from isa_engine.evaluation.held_out.kinds import GROUND, ONE
from isa_engine.evaluation.measures.fidelity import psnr
from isa_engine.evaluation.measures.shadows import shadow_kept
from isa_engine.evaluation.measures.silhouette import iou, keyed
from isa_engine.pipeline import load_model


@pytest.fixture(scope="module")
def model():
    return load_model("isa-tiny", "cpu")


@pytest.fixture(scope="module")
def laid(model):
    """Of renders through the bundled autoencoder: the clip, what is decoded, and the plate."""
    held_out = HeldOut(5, 128, 128, 0, "cpu")
    made = {}
    for kind in (ONE, GROUND):
        (clip,) = held_out.clips(kind, 1)
        video = through_autoencoder(model, clip.clip.video)
        made[kind] = clip, video.video, laid_over_background(model, clip, video)
    return made


@pytest.mark.parametrize("kind", [ONE, GROUND], ids=["screen", "ground"])
def test_beside_the_figure_is_more_of_the_set_and_hardly_less_of_the_figure(laid, kind):
    clip, decoded, plate = laid[kind]
    truth, mask = clip.clip.video, clip.mask
    assert psnr(plate.video, truth, ~mask) > psnr(decoded, truth, ~mask) + 1
    # Cloth that stands off the body, where the matte head does not see it.
    assert psnr(plate.video, truth, mask) > psnr(decoded, truth, mask) - 0.8


def test_the_outline_is_no_worse_and_the_matte_finds_it(laid):
    clip, decoded, plate = laid[ONE]
    outline = [iou(keyed(video, clip.screen, clip.tolerance), clip.mask) for video in (plate.video, decoded)]
    assert outline[0] > outline[1] - 0.01
    assert iou(plate.matte, clip.mask) > 0.75


def test_the_shadow_stays(laid):
    clip, decoded, plate = laid[GROUND]
    kept = [shadow_kept(video, clip.clip) for video in (plate.video, decoded)]
    assert kept[0] > 0.6 * kept[1] > 0.4


def test_a_video_that_leaves_the_cast_as_reprojected_has_all_that_the_references_show(model, laid):
    """The autoencoder loses much of it."""
    clip, _, _ = laid[ONE]
    known = reprojected_clip(clip.clip)
    video = through_autoencoder(model, known)
    dit = dataclasses.replace(model.config.dit, reprojection=False)
    config = dataclasses.replace(model.config, dit=dit)
    untold = dataclasses.replace(model, gate=None, config=config)
    plate, plain = (laid_over_background(each, clip, video) for each in (model, untold))
    changed = ((known - clip.clip.background).abs() > 1.01 / 255).any(0)
    assert psnr(plate.video, known, changed) > 60
    assert psnr(plate.video, clip.clip.background, ~changed) > 50
    for other in (video, plain):
        assert psnr(other.video, known, changed) < 30
