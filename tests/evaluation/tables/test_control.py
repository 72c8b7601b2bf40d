"""The whole table, for videos whose worth is known."""

from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from isa_engine.configuration import isa_tiny
from isa_engine.evaluation.candidates.plates import ClipPlate
from isa_engine.evaluation.candidates.videos import (
    MODEL,
    REPEATED,
    Sampling,
    Video,
    generated,
)
from isa_engine.evaluation.held_out.kinds import GROUND, ONE, SEVERAL
from isa_engine.evaluation.reporting.table import mean
from isa_engine.evaluation.tables import control as room
from isa_engine.evaluation.tables import control_rows as names
from isa_engine.geometry.frames import latent_of_frame

SAMPLING = Sampling(steps=2, guidance=2.0)


def table_of(monkeypatch, clips, model, out, video, margin=0):
    """The table for a model whose videos are what ``video(held_out)`` says, with an autoencoder that loses
    nothing and a matte head that is off by a margin of pixels; latents are the render itself."""

    def made(of, held_out, sampling, background=True):
        return Video(video(held_out), held_out.clip.video)

    monkeypatch.setattr(room, "generated", made)
    monkeypatch.setattr(room, "through_autoencoder", lambda of, video: Video(video, video))
    matte = matte_of(clips, margin)
    monkeypatch.setattr(room, "_matte", matte)
    # Laid over nothing: what laying does is ``pipeline.isa.over_background``'s to show.
    monkeypatch.setattr(
        room,
        "laid_over_background",
        lambda of, clip, made, shadows=False: ClipPlate(made.video, matte(of, made.latents)),
    )
    return room.control(model, model, clips, 2, SAMPLING, out)


def matte_of(clips, margin):
    """A matte head that is off by so many pixels."""
    kinds = ONE, SEVERAL, GROUND
    masks = {c.clip.video.data_ptr(): c.mask for kind in kinds for c in clips.clips(kind, 2)}

    def matte(of, latents):
        mask = masks[latents.data_ptr()].float()
        return torch.nn.functional.max_pool2d(mask, 2 * margin + 1, 1, margin) > 0

    return matte


@pytest.fixture(scope="module")
def truth(clips, model, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        out = tmp_path_factory.mktemp("truth")
        return table_of(patch, clips, model, out, lambda clip: clip.clip.video), out


def scores(table, *rows):
    return {row: mean(table.cell(row, MODEL)) for row in rows}


def test_the_truth_reaches_every_target_but_the_autoencoders(truth, clips):
    table, _ = truth
    for row, targets in names.TARGETS.items():
        if row in (names.AUTOENCODER, names.OF_CEILING) or targets == (None, None):
            continue
        wanted = "CPU, GPU" if row not in (names.IOU_ONE, names.IOU_SEVERAL) else "CPU"
        assert table.cell(row, "reached").startswith(wanted), row
    assert scores(table, names.IDENTITY) == {names.IDENTITY: 1.0}
    figures = sum(len(clip.reference_worn) for clip in clips.clips(SEVERAL, 2)) + 2
    counted = len(table.cell(names.IDENTITY, MODEL))
    (note,) = [note for note in table.notes if note.startswith("Identity")]
    assert f"{counted} of {figures} figures count" in note
    assert note.endswith("standard error of 0.00.")
    assert mean(table.cell(names.CAMERA, MODEL)) > 0.6
    assert mean(table.cell(names.CAMERA, REPEATED)) == pytest.approx(0, abs=1e-4)


def test_a_shift_costs_silhouette_and_colours_and_background(truth, monkeypatch, clips, model, tmp_path):
    table, _ = truth
    shifted = table_of(monkeypatch, clips, model, tmp_path, lambda clip: clip.clip.video.roll(8, -1))
    rows = (
        names.IOU_ONE,
        names.IOU_SEVERAL,
        names.IN_MASK,
        names.GAIN,
        names.BACKGROUND,
    )
    before, after = scores(table, *rows), scores(shifted, *rows)
    assert all(after[row] < before[row] for row in rows)
    assert after[names.IOU_ONE] < 0.7
    repeated = mean(shifted.cell(names.IN_MASK, REPEATED))
    assert after[names.GAIN] == pytest.approx(after[names.IN_MASK] - repeated)


def test_a_video_that_jumps_between_latent_frames_misses_the_targets_of_seams(
    monkeypatch, clips, model, tmp_path
):
    def jumping(clip):
        latent = torch.as_tensor(latent_of_frame(clip.clip.video.shape[1]))
        return clip.clip.video + 0.1 * (latent % 2)[:, None, None]

    jumps = table_of(monkeypatch, clips, model, tmp_path, jumping)
    assert jumps.cell(names.SEAMS, "reached") == "no"


def test_figures_in_other_colours_cost_nothing_behind_them(monkeypatch, clips, model, tmp_path):
    def negative(clip):
        return torch.where(clip.mask, -clip.clip.video, clip.clip.video)

    spoilt = table_of(monkeypatch, clips, model, tmp_path, negative)
    assert mean(spoilt.cell(names.BACKGROUND, MODEL)) == torch.inf
    assert mean(spoilt.cell(names.IN_MASK, MODEL)) < 15


def test_people_in_one_anothers_places_are_not_recognised(monkeypatch, clips, model, tmp_path):
    def mixed(clip):
        """Everybody in the mean colour of the next."""
        video, mask = clip.clip.video.clone(), clip.clip.mask
        people = clip.clip.points.shape[1]
        for k in range(people):
            if (mask == k + 1).any() and (mask == (k + 1) % people + 1).any():
                other = clip.clip.video[:, mask == (k + 1) % people + 1].mean(1, keepdim=True)
                video[:, mask == k + 1] = other.expand(-1, int((mask == k + 1).sum()))
        return video

    table = table_of(monkeypatch, clips, model, tmp_path, mixed)
    assert scores(table, names.IDENTITY)[names.IDENTITY] < 0.6


def test_time_reversed_costs_the_camera(truth, monkeypatch, clips, model, tmp_path):
    table, _ = truth
    reversed_ = table_of(monkeypatch, clips, model, tmp_path, lambda clip: clip.clip.video.flip(1))
    for row in (names.CAMERA, names.CAMERA_ALONE):
        assert mean(reversed_.cell(row, MODEL)) < mean(table.cell(row, MODEL)) - 0.2


def test_shadows_that_are_given_need_not_be_painted(monkeypatch, clips, model, tmp_path):
    empty = table_of(monkeypatch, clips, model, tmp_path, lambda clip: clip.clip.background)
    assert mean(empty.cell(names.PLATE_SHADOWS, MODEL)) == pytest.approx(0, abs=1e-6)
    assert mean(empty.cell(names.SHADED_SHADOWS, MODEL)) == pytest.approx(1, abs=1e-3)


def test_there_is_a_contact_sheet_of_each_kind(truth):
    _, out = truth
    for kind in ("one-person", "two-to-four", "open-ground"):
        sheet = Image.open(out / f"control-{kind}-1.png")
        # Five moments of the render and of each candidate.
        assert sheet.size == (5 * 64, 5 * (48 + 14))


def test_a_matte_that_is_off_by_a_margin_scores_lower(truth, monkeypatch, clips, model, tmp_path):
    off = table_of(monkeypatch, clips, model, tmp_path, lambda clip: clip.clip.video, margin=2)
    rows = names.MATTE_OF_RENDER, names.MATTE_OF_VIDEO
    before, after = scores(truth[0], *rows), scores(off, *rows)
    assert before[names.MATTE_OF_RENDER] == 1
    assert all(after[row] < before[row] - 0.2 for row in rows)


def test_an_untrained_model_is_measured_and_a_seed_gives_one_video(model, one):
    video, again = (generated(model, one[0], SAMPLING).video for _ in range(2))
    assert video.shape == one[0].clip.video.shape
    assert video.abs().max() <= 1
    assert torch.equal(video, again)


@pytest.mark.parametrize(("detail", "size"), [(1, (128, 224)), (2, (224, 400))])
def test_blenders_camera_sees_the_canvas_that_an_artist_gets(monkeypatch, tmp_path, detail, size):
    seen = []

    class Nothing:
        def clips(self, kind, count):
            return iter(())

        def sized(self, *size):
            seen.append(size)
            return self

    monkeypatch.setattr(room, "table_of", lambda measurements, figures: None)
    model = SimpleNamespace(config=isa_tiny())
    room.control(model, model, Nothing(), 1, SAMPLING, tmp_path, detail=detail)
    assert seen == [size]
