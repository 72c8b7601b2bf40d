"""A part of a take is made again, or a longer one is: what is kept is what it was, to the bit."""

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_engine import cli
from isa_engine.configuration import MODELS
from isa_engine.cost.generation import seen
from isa_engine.errors import Cancelled, ShotError
from isa_engine.geometry import temporal_windows
from isa_engine.geometry.frames import Made, frames_before, latent_count
from isa_engine.models import UNTRAINED
from isa_engine.models.isa import ISA
from isa_engine.models.work import made_in, work_of
from isa_engine.pipeline import generate
from isa_engine.pipeline.generation import denoise
from isa_engine.pipeline.isa import painter
from isa_engine.pipeline.isa.decode import Background, decode_plate
from isa_engine.pipeline.painter import Part
from isa_engine.pipeline.sampling import initial_noise
from isa_engine.pipeline.segments import Segment, shown
from isa_engine.results.remake import CHANGED, MARGIN, frames_again, made_in_record, remade
from isa_engine.shot import Shot, encode_shot, read_shot, write_shot
from tests.pipeline.shots import WINDOWED, make_shot, speaking
from tests.pipeline.test_resume import Kept as Checkpoint

FRAMES, FIRST = 41, 10
# Latents 4 and 5 of eleven, and one more on either side.
AGAIN = FIRST + 14, FIRST + 18
MADE = slice(3, 7)


def changed(shot: Shot) -> Shot:
    """The first of the cast steps aside on frames 14 to 18."""
    anna, *others = shot.characters
    points = anna.points.copy()
    points[14:19] += [0.5, 0, 0]
    return dataclasses.replace(shot, characters=(dataclasses.replace(anna, points=points), *others))


@pytest.fixture(scope="module")
def windowed():
    return dataclasses.replace(speaking(WINDOWED), trained=True)


@pytest.fixture(scope="module")
def take(windowed, tmp_path_factory):
    """The results of a shot of 41 frames."""
    out = tmp_path_factory.mktemp("take")
    generate(make_shot(FRAMES, steps=3), windowed, out, lambda progress: None)
    return out


def latents_of(shot: Shot, model, report=lambda progress: None, checkpoint=None) -> torch.Tensor:
    return denoise(shot, "hash", model, report, checkpoint)


def plate_of(latents: torch.Tensor, model, shot: Shot) -> np.ndarray:
    return np.stack(list(decode_plate(latents, model, shot, Background.of(shot, model))))


def test_outside_of_the_frames_that_are_made_again_latents_are_the_takes_to_the_bit(windowed, take):
    shot = remade(changed(make_shot(FRAMES, steps=3)), take, AGAIN)
    before, after = torch.from_numpy(np.load(take / "latents.npy"))[None], latents_of(shot, windowed)
    kept = torch.ones(11, dtype=torch.bool)
    kept[MADE] = False
    assert torch.equal(after[:, :, kept], before[:, :, kept])
    assert not any(torch.equal(after[:, :, k], before[:, :, k]) for k in range(MADE.start, MADE.stop))
    whole = latents_of(changed(make_shot(FRAMES, steps=3)), windowed)
    assert not torch.equal(whole[:, :, kept], before[:, :, kept])


def test_frames_before_them_and_beyond_the_decoders_reach_are_the_takes(windowed, take):
    shot = remade(changed(make_shot(FRAMES, steps=3)), take, AGAIN)
    before = plate_of(torch.from_numpy(np.load(take / "latents.npy"))[None], windowed, shot)
    after = plate_of(latents_of(shot, windowed), windowed, shot)
    equal = [np.array_equal(*pair) for pair in zip(before, after, strict=True)]
    first, last = frames_before(MADE.start), frames_before(MADE.stop)
    assert all(equal[:first])
    assert not any(equal[first:last])
    assert equal[-1]
    assert frames_again(shot) == [(FIRST + first, FIRST + last - 1)]


def test_only_what_is_made_and_its_surroundings_go_through_the_network(windowed, take, monkeypatch):
    asked = []
    predict = type(windowed).predict

    def counted(model, latents, *rest):
        asked.append(latents.shape[2])
        return predict(model, latents, *rest)

    monkeypatch.setattr(type(windowed), "predict", counted)
    monkeypatch.setattr(temporal_windows, "CONTEXT", 1)
    shot = remade(make_shot(FRAMES, steps=3), take, AGAIN)
    latents_of(shot, windowed)
    work = work_of(shot, ISA(windowed.config, UNTRAINED))
    assert [*set(asked)] == [MADE.stop - MADE.start + 2] == seen(windowed.config, work)


def test_what_is_made_sees_what_is_kept(windowed, take):
    shot = remade(make_shot(FRAMES, steps=3), take, AGAIN)
    latents = shot.kept.latents.copy()
    latents[:, MADE.stop] += 1
    other = dataclasses.replace(shot, kept=dataclasses.replace(shot.kept, latents=latents))
    found, elsewhere = latents_of(shot, windowed), latents_of(other, windowed)
    assert not torch.equal(found[:, :, MADE], elsewhere[:, :, MADE])


def test_a_longer_take_begins_with_the_shorter_one(windowed, tmp_path):
    # The last latent of ten frames stands for one of them, and two that only repeat it.
    generate(make_shot(10, steps=2), windowed, tmp_path, lambda progress: None)
    shot = remade(make_shot(21, steps=2), tmp_path)
    assert list(shot.kept.again) == [False] * 3 + [True] * 3
    longer = latents_of(shot, windowed)
    assert torch.equal(longer[0, :, :3], torch.from_numpy(np.load(tmp_path / "latents.npy"))[:, :3])
    assert frames_again(shot) == [(FIRST + 9, FIRST + 20)]


def test_a_shorter_take_needs_frames_to_be_made(take):
    with pytest.raises(ShotError, match="has all frames already"):
        remade(make_shot(20), take)
    assert remade(make_shot(20), take, (FIRST, FIRST)).kept.again.tolist() == [True] * 2 + [False] * 4


def test_a_segment_of_which_all_is_kept_is_not_even_read(windowed, tmp_path, monkeypatch):
    shot = dataclasses.replace(make_shot(13, steps=2), cuts=(5,))
    generate(shot, windowed, tmp_path, lambda progress: None)
    read, conditions = [], painter.conditions
    monkeypatch.setattr(painter, "conditions", lambda *told: (read.append(told[2]), conditions(*told))[1])
    again = remade(shot, tmp_path, (FIRST + 5, FIRST + 5))
    # At a cut nothing is blended: what lies before it is another picture.
    assert again.kept.again.tolist() == [False, False, True, True, False]
    latents_of(again, windowed)
    assert read == [1]
    assert made_in(again) == (Made(8, 0, 2),)
    told = {"shot": {"frame_numbers": list(range(FIRST, FIRST + 13)), "cuts": [5]}}
    assert made_in_record({**told, "kept": {"again": frames_again(again)}}) == made_in(again)
    assert made_in_record(told) == made_in(shot) == (Made(5, 0, 2), Made(8, 0, 3))


@pytest.mark.parametrize("stop", [1, 2])
def test_a_remake_that_broke_off_ends_in_the_same_bytes(windowed, take, tmp_path, stop):
    def stopping(progress):
        if (progress.phase, progress.step) == ("denoise", stop) and saved.steps:
            raise Cancelled

    shot = remade(changed(make_shot(FRAMES, steps=3)), take, AGAIN)
    saved = Checkpoint(tmp_path / "latents")
    with pytest.raises(Cancelled):
        latents_of(shot, windowed, stopping, saved)
    latents = latents_of(shot, windowed, lambda progress: None, saved)
    assert saved.steps == [1, 2, 3]
    assert torch.equal(latents, latents_of(shot, windowed))


@settings(deadline=None, max_examples=20)
@given(frames=st.integers(1, 60), more=st.integers(0, 60), seed=st.integers(0, 2**32 - 1))
def test_noise_of_a_latent_does_not_depend_on_how_many_follow(frames, more, seed):
    short, long = latent_count(frames), latent_count(frames + more)
    noise = initial_noise((1, 3, long, 2, 2), seed)
    assert torch.equal(noise[:, :, :short], initial_noise((1, 3, short, 2, 2), seed))


def test_a_model_of_no_temperature_makes_the_same_of_every_seed(windowed):
    calm = dataclasses.replace(windowed, config=dataclasses.replace(windowed.config, temperature=0.0))
    shot = make_shot(9, steps=2)
    seed = shot.settings.seed + 1
    other = dataclasses.replace(shot, settings=dataclasses.replace(shot.settings, seed=seed))
    assert torch.equal(latents_of(shot, calm), latents_of(other, calm))
    assert not torch.equal(latents_of(shot, windowed), latents_of(other, windowed))


def test_what_is_sampled_along_is_neither_kept_nor_joined():
    """Wan's references go before the video: the network's, at every step."""
    noise, kept = initial_noise((1, 2, 5, 1, 1), 1), initial_noise((1, 2, 3, 1, 1), 2)
    again = torch.tensor([False, True, False])
    segment, part = Segment(noise, kept, again), Part((0, 3), again[:, None, None], along=2)
    assert torch.equal(segment.noise_of(part), noise)
    flow = segment.hold(lambda latents, time, step: torch.ones_like(latents), part)(
        noise, torch.tensor(0.5), 0
    )
    assert torch.equal(flow[:, :, :2], torch.ones(1, 2, 2, 1, 1))
    assert torch.equal(flow[:, :, 3], torch.ones(1, 2, 1, 1))
    assert torch.allclose((noise + 0.5 * flow)[:, :, [2, 4]], kept[:, :, [0, 2]], atol=1e-6)
    assert torch.equal(shown(noise, part), noise[:, :, 3:4])
    joined = segment.after(noise, part).latents
    assert torch.equal(joined[:, :, [0, 2]], kept[:, :, [0, 2]])
    assert torch.equal(joined[:, :, 1], noise[:, :, 3])


def test_what_changed_is_made_again_and_what_goes_on_as_well(take):
    shot = make_shot(FRAMES, steps=3)
    with pytest.raises(ShotError, match="as they are staged now"):
        remade(shot, take, CHANGED)
    assert np.flatnonzero(remade(changed(shot), take, CHANGED).kept.again).tolist() == [3, 4, 5, 6]
    # A millimetre is not seen.
    anna, *others = shot.characters
    hardly = dataclasses.replace(anna, points=anna.points + np.float32(0.0005))
    with pytest.raises(ShotError, match="as they are staged now"):
        remade(dataclasses.replace(shot, characters=(hardly, *others)), take, CHANGED)
    camera = shot.camera_to_world.copy()
    camera[0, 0, 3] += 0.1
    camera[-1, 0, 3] += 0.1
    turned = dataclasses.replace(shot, camera_to_world=camera)
    assert np.flatnonzero(remade(turned, take, CHANGED).kept.again).tolist() == [0, 1, 9, 10]
    fewer = dataclasses.replace(shot, characters=shot.characters[:1])
    assert remade(fewer, take, CHANGED).kept.again.all()
    longer = make_shot(FRAMES + 4, steps=3)
    longer = dataclasses.replace(longer, camera_to_world=np.concatenate([shot.camera_to_world] * 2)[:45])
    again = remade(longer, take, CHANGED).kept.again
    assert again[-1]
    assert not again[:9].any()


@pytest.mark.parametrize(
    ("shot", "words"),
    [
        (make_shot(FRAMES, width=64), "another canvas"),
        (make_shot(FRAMES, model="isa-tiny"), "another model"),
        (make_shot(FRAMES, step=2), "another step"),
        (dataclasses.replace(make_shot(FRAMES), cuts=(3,)), "other cuts"),
        (
            dataclasses.replace(make_shot(FRAMES), frame_numbers=np.arange(11, 11 + FRAMES, dtype=np.int32)),
            "another first frame",
        ),
    ],
)
def test_a_take_that_was_staged_otherwise_is_not_kept(take, shot, words):
    with pytest.raises(ShotError, match=words):
        remade(shot, take, AGAIN)


def test_what_is_wrong_with_a_take_is_said(windowed, take, tmp_path):
    shot = make_shot(FRAMES, steps=3)
    with pytest.raises(ShotError, match="none of the shot's"):
        remade(shot, take, (1, 9))
    kept = remade(shot, take, AGAIN)
    foreign = dataclasses.replace(kept, kept=dataclasses.replace(kept.kept, weights="0" * 64))
    with pytest.raises(ShotError, match="other weights"):
        latents_of(foreign, windowed)
    for name in ("shot.npz", "record.json"):
        (tmp_path / name).write_bytes((take / name).read_bytes())
    with pytest.raises(ShotError, match="before takes kept them"):
        remade(shot, tmp_path, AGAIN)
    for content in (b"", b"\x93NUMPY", (take / "latents.npy").read_bytes()[:-4]):
        (tmp_path / "latents.npy").write_bytes(content)
        with pytest.raises(ShotError, match="cannot be read"):
            remade(shot, tmp_path, AGAIN)


def test_a_shot_that_a_later_job_has_left_beside_a_plate_is_not_taken_for_its_own(take, tmp_path):
    """Nothing would have changed, and all of the older picture would be kept."""
    for name in ("latents.npy", "record.json"):
        (tmp_path / name).write_bytes((take / name).read_bytes())
    later = changed(make_shot(FRAMES, steps=3))
    write_shot(later, tmp_path / "shot.npz")
    for frames in (CHANGED, AGAIN, None):
        with pytest.raises(ShotError, match=r"not the one that it was made of \(.*\)\. Generate it whole"):
            remade(later, tmp_path, frames)


def test_the_shot_file_carries_what_is_kept_and_the_record_says_so(windowed, take, tmp_path):
    shot = remade(changed(make_shot(FRAMES, steps=3)), take, AGAIN)
    back = read_shot(encode_shot(shot))
    assert np.array_equal(back.kept.latents, shot.kept.latents)
    assert np.array_equal(back.kept.again, shot.kept.again)
    result = generate(back, windowed, tmp_path, lambda progress: None)
    record, earlier = (json.loads((folder / "record.json").read_text()) for folder in (tmp_path, take))
    first, last = frames_before(MADE.start), frames_before(MADE.stop)
    assert record["kept"] == {
        "take": earlier["shot"]["sha256"],
        "again": [[FIRST + first, FIRST + last - 1]],
    }
    assert "kept" not in earlier
    assert made_in_record(record) == made_in(shot) == (Made(FRAMES, MADE.start, MADE.stop),)
    assert made_in_record(earlier) == made_in(make_shot(FRAMES)) == (Made(FRAMES, 0, 11),)
    assert np.load(result.latents).shape == shot.kept.latents.shape
    assert MARGIN == 1


def test_the_command_line_makes_frames_of_a_take_again(take, tmp_path, capsys, monkeypatch):
    seen, made = [], SimpleNamespace(plate="plate.mp4")
    monkeypatch.setitem(MODELS, WINDOWED.name, lambda: WINDOWED)
    monkeypatch.setattr("isa_engine.pipeline.load_model", lambda *_: speaking(WINDOWED))
    monkeypatch.setattr(
        "isa_engine.pipeline.generate", lambda shot, *_, file: seen.append((shot, file)) or made
    )
    shot = tmp_path / "shot.npz"
    write_shot(make_shot(FRAMES, steps=3), shot)
    command = ["generate", str(shot), "--out", str(tmp_path / "out")]
    assert cli.main([*command, "--remake", "24-28"]) == 1
    assert cli.main([*command, "--of", str(take), "--remake", "all"]) == 1
    assert "--remake 80-96" in capsys.readouterr().err
    assert cli.main([*command, "--of", str(take), "--remake", "24-28"]) == 0
    ((sent, file),) = seen
    # Not the file as it lies there, which keeps nothing.
    assert file is None
    assert np.flatnonzero(sent.kept.again).tolist() == list(range(MADE.start, MADE.stop))
