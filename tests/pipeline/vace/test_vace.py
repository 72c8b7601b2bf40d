"""Wan-VACE goes the whole way: told as its makers tell it, resumed to the same bytes, the set kept."""

import hashlib
import io
import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import av
import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from isa_engine.configuration.policies import EXACT, FORECAST, POLICIES, SPARING
from isa_engine.controls import depth_pictures, grown_masks, pose_pictures
from isa_engine.controls.depth import nearest
from isa_engine.cost import wan
from isa_engine.cost.generation import Work
from isa_engine.cost.products import operations
from isa_engine.errors import Cancelled, ShotError
from isa_engine.farm import eligibility, tasks
from isa_engine.farm.job import write_bundle
from isa_engine.geometry.frames import latent_count
from isa_engine.models import describe
from isa_engine.models.added import added as remembered
from isa_engine.pipeline import generate, load_model
from isa_engine.pipeline.background import background_frames
from isa_engine.pipeline.generation import denoise
from isa_engine.pipeline.progress import Steps
from isa_engine.pipeline.vace import painter
from isa_engine.pipeline.vace.told import Known, control_pictures, first_frame, reference_pictures, told
from isa_engine.results.files import LATENTS
from isa_engine.results.record import PROJECTED
from isa_engine.shot import ReferencePose, Settings
from tests.controls.people import person, shot_of
from tests.movies import read_video
from tests.pipeline.shots import footage, make_shot, picture

FRAMES, SIZE, STEPS = 4, (48, 32), 2
ALL = range(FRAMES)


def shot_of_people(name, steps=STEPS, cuts=(), policy=EXACT, frames=FRAMES, **changes):
    """Someone who walks before a set, and somebody with a picture."""
    anna = replace(person(motion="walk", frames=range(frames)), prompt="a red coat")
    ball = make_shot(frames).characters[1]
    points = np.tile(ball.points[:, :1], (1, anna.points.shape[1], 1))
    points[:, : ball.points.shape[1]] = ball.points
    pose = replace(ball.reference, points=points[0], picture=0)
    ben = replace(ball, points=points, reference=pose, skeleton=None)
    settings = Settings(name, *SIZE, steps, 3.0, 7, policy=policy, prompt="a street", negative_prompt="rain")
    shot = shot_of([anna, ben], size=SIZE, settings=settings, background=footage(frames), cuts=cuts)
    return replace(shot, references=make_shot(frames).references[:1], **changes)


def with_first_frame(shot, **pose):
    """One picture of the whole cast, as it stands on the first frame, through that frame's camera."""
    cast = tuple(
        replace(each, reference=ReferencePose(0, **{"points": each.points[0], "mvp": shot.mvp[0], **pose}))
        for each in shot.characters
    )
    references = (picture(2 * SIZE[0], 2 * SIZE[1]),)
    return replace(shot, characters=cast, references=references, frame_reference=0)


def silent(progress):
    pass


def untold():
    """Steps of which nobody is told."""
    return Steps(silent, "encode", 0)


def controls(shot, numbers):
    """Of a shot that is made in one part."""
    return control_pictures(shot, numbers, range(len(shot.characters)), (), Known({}, ()), untold())


def told_at_once(shot, model):
    """As ``controls``."""
    latents = torch.zeros(1, 16, latent_count(FRAMES), SIZE[1] // 8, SIZE[0] // 8)
    (part,) = painter.parts(shot, model, 0, torch.ones(latents.shape[2], dtype=torch.bool), silent)
    return told(shot, model, 0, part, latents, silent)


def test_a_picture_of_the_first_frame_is_shown_and_none_of_it_painted(added):
    shot = with_first_frame(shot_of_people(added))
    video, masks = controls(shot, ALL)
    seen = np.array(Image.open(io.BytesIO(shot.references[0])).resize(SIZE, Image.Resampling.LANCZOS))
    assert np.abs(video[0].astype(int) - seen).max() <= 1
    assert not masks[0].any()
    assert masks[1:].any((1, 2, 3)).all()
    painted, all_of_it = controls(replace(shot, background=None), ALL)
    assert np.array_equal(painted[0], video[0])
    assert all_of_it[1:].all()
    moved = shot.mvp[0].copy()
    moved[0, 3] += 0.01
    elsewhere = with_first_frame(shot_of_people(added), mvp=moved)
    other_shape = replace(shot, references=(picture(SIZE[0], SIZE[0]),))
    for other in (elsewhere, other_shape, replace(shot, frame_reference=None)):
        assert first_frame(other) is None
        assert controls(other, ALL)[1][0].any()
    assert controls(replace(shot, cuts=(2,)), range(2, FRAMES))[1][0].any()


@pytest.mark.parametrize("staged", [shot_of_people, lambda name: with_first_frame(shot_of_people(name))])
def test_it_is_told_what_its_makers_pipeline_tells_it(added, model, staged):
    from diffusers import FlowMatchEulerDiscreteScheduler, WanVACEPipeline

    shot = staged(added)
    pictures = reference_pictures(shot, shot.characters, SIZE)
    found = told_at_once(shot, model)
    assert (found.references, found.control.shape[2]) == (len(pictures), len(pictures) + latent_count(FRAMES))
    parts = {"vae": model.vae, "transformer": model.transformer, "text_encoder": model.text_encoder}
    pipe = WanVACEPipeline(
        tokenizer=model.tokenizer, scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0), **parts
    )
    video, mask = ([Image.fromarray(frame) for frame in frames] for frames in controls(shot, ALL))
    # Its makers' pipeline wants whole windows of frames.
    video, mask = ([*frames, frames[-1]] for frames in (video, mask))
    with torch.no_grad():
        video, mask, _ = pipe.preprocess_conditions(
            video, mask, None, 1, SIZE[1], SIZE[0], 5, torch.float32, model.device
        )
        # It puts each picture before the one before; Wan's own program, and the house, keep their order.
        pictures = pictures[::-1]
        latents = pipe.prepare_video_latents(video, mask, [pictures])
        control = torch.cat([latents, pipe.prepare_masks(mask, [pictures])], 1)
        words, not_words = pipe.encode_prompt("a street. a red coat", "rain", max_sequence_length=226)
    torch.testing.assert_close(found.control, control, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found.words, words)
    torch.testing.assert_close(found.not_words, not_words)
    assert not torch.equal(words, not_words)


@pytest.mark.parametrize(
    ("cuts", "policy", "steps"), [((), FORECAST, 4), ((), SPARING, 6), ((2,), EXACT, STEPS)]
)
def test_it_goes_on_from_any_step_to_the_same_latents(added, model, tmp_path, cuts, policy, steps):
    shot = shot_of_people(added, steps=steps, cuts=cuts, policy=policy)
    kept = SimpleNamespace(path=tmp_path / "kept")
    kept.saved = lambda step: shutil.copy(kept.path, tmp_path / str(step))
    whole = denoise(shot, "hash", model, silent, kept)
    assert whole.shape[2] == sum(latent_count(frames) for frames in shot.segments)
    assert torch.isfinite(whole).all()
    for stop in range(1, shot.settings.steps * len(shot.segments) + 1):
        steps = []
        kept = SimpleNamespace(path=tmp_path / str(stop), saved=steps.append)
        assert torch.equal(denoise(shot, "hash", model, silent, kept), whole)
        assert steps == [*range(stop + 1, shot.settings.steps * len(shot.segments) + 1)]


@pytest.mark.parametrize(
    ("policy", "guidance", "passes"),
    [(EXACT, 5.0, 24), (FORECAST, 5.0, 14), (SPARING, 5.0, 10), (SPARING, 1.0, 5)],
)
def test_a_policy_spares_the_forward_passes_that_it_is_said_to(
    added, model, monkeypatch, policy, guidance, passes
):
    shot, ran, run = shot_of_people(added, steps=12, policy=policy), [], model.transformer.forward
    shot = replace(shot, settings=replace(shot.settings, guidance=guidance))
    monkeypatch.setattr(model.transformer, "forward", lambda **given: ran.append(1) or run(**given))
    denoise(shot, "hash", model, silent)
    assert len(ran) == passes
    described, work = describe(added), Work(FRAMES, *SIZE, 1, 12, guidance, POLICIES[policy])
    one = sum(operations(described.step(replace(work, guidance=1.0))).values())
    assert described.operations(work) == {"denoise": passes * one}


def test_its_takes_are_made_on_a_farm_to_the_same_pictures(added, model, tmp_path):
    frames = 21
    shot = shot_of_people(added, steps=1, frames=frames)
    whole = generate(shot, model, tmp_path / "whole", silent)
    system = eligibility.operating_system()
    bundle = write_bundle([("take", shot)], tmp_path / "farm", system, span=16, untrained=False)
    eligibility.check(bundle.job)
    assert bundle.job.model == added
    assert len(bundle.job.spans) == 2
    tasks.denoise_take(bundle, 0, model, silent)
    for number in range(2):
        tasks.decode_span(bundle, number, model, silent)
    tasks.assemble_take(bundle, 0, silent)
    results = bundle.results(bundle.job.takes[0])
    for made in (whole.plate, whole.matte):
        theirs, ours = (read_video(path.read_bytes(), frames, SIZE) for path in (results / made.name, made))
        assert np.array_equal(theirs, ours)
    records = [json.loads(path.read_text()) for path in (results / whole.record.name, whole.record)]
    assert records[0]["controls"] == records[1]["controls"]
    assert records[0]["model"] == records[1]["model"]


def test_words_guidance_and_seed_matter(added, model):
    shot = shot_of_people(added, steps=1)
    changes = {"prompt": "blue rain"}, {"negative_prompt": "a red coat"}, {"guidance": 1.0}, {"seed": 8}
    made = [
        denoise(replace(shot, settings=replace(shot.settings, **change)), "hash", model, silent)
        for change in ({}, *changes)
    ]
    assert not any(torch.equal(made[0], other) for other in made[1:])


def test_outside_the_mask_the_plate_is_the_set_to_the_pixel_and_spans_equal_the_whole(added, model):
    shot = shot_of_people(added, cuts=(2,))
    latents = denoise(shot, "hash", model, silent)
    whole = np.stack(list(painter.frames(latents, model, shot, None, silent)[0]))
    assert whole.shape == (FRAMES, SIZE[1], SIZE[0], 3)
    kept = background_frames(shot, ALL)
    outside = np.stack(list(grown_masks(shot, SIZE))) == 0
    assert 0.01 < (~outside).mean() < 0.8
    assert np.array_equal(whole[outside], kept[outside])
    assert not np.array_equal(whole[~outside], kept[~outside])
    count = latents.shape[2]
    spans = [list(painter.frames(latents, model, shot, (k, k + 1), silent)[0]) for k in range(count)]
    assert np.array_equal(np.concatenate([frames for frames in spans if frames]), whole)


def test_a_plate_and_its_record(added, tmp_path):
    shot, seen = shot_of_people(added), []
    result = generate(shot, load_model(added, "cpu"), tmp_path / "out", seen.append, made=1e9)
    assert result.plate.stat().st_size > 500
    assert next(progress.preview.size for progress in seen if progress.preview) == SIZE
    record = json.loads(result.record.read_text())
    assert record["matte"] == PROJECTED
    assert record["model"]["class"] == "WanVACEPipeline"
    assert record["model"]["licence"] == "apache-2.0 (README.md)"
    assert set(record["model"]["files"]) == set(remembered(added).files)
    assert record["model"]["scheduler"] == "FlowMatchEulerDiscreteScheduler"
    assert record["model"]["memory"] == "whole"
    assert (record["settings"]["prompt"], record["settings"]["negative_prompt"]) == ("a street", "rain")
    with av.open(str(result.plate)) as movie:
        said = movie.metadata["comment"]
    assert (
        said
        == f"Generated by {record['generated_by']}; model {added}; shot {record['shot']['sha256']}; seed 7"
    )
    pictures = {"pose": pose_pictures(shot, SIZE), "mask": grown_masks(shot, SIZE)}
    hashes = {name: hashlib.sha256(np.stack(list(each))).hexdigest() for name, each in pictures.items()}
    assert record["controls"] == hashes


def steered_by_depth(shot):
    """Before a wall, which comes nearer on the left."""
    wall = np.tile(np.linspace(2, 9, SIZE[0]), (1, SIZE[1], 1)).astype(np.float16)
    return replace(shot, settings=replace(shot.settings, steering="depth"), background_depth=wall)


def test_depth_of_cast_and_set_steers_where_it_is_chosen_and_the_set_stays(added, model, tmp_path):
    shot = steered_by_depth(shot_of_people(added))
    video, masks = controls(shot, ALL)
    painted, depth = masks > 127, np.stack(list(depth_pictures(shot, SIZE)))
    assert np.array_equal(video[painted], depth[painted])
    assert np.array_equal(video[~painted], background_frames(shot, ALL)[~painted])
    of_cast, _ = controls(replace(shot, background_depth=None), ALL)
    assert not np.array_equal(of_cast[painted], video[painted])
    # One after the other, each has the scale of all.
    (ball,) = (np.stack(list(each)) for each in [depth_pictures(only(shot, 1), SIZE, white=nearest(shot))])
    one, mask = control_pictures(shot, ALL, [1], (), Known({}, ()), untold())
    assert np.array_equal(one[mask > 127], ball[mask > 127])
    # All of it, where nothing is kept.
    assert np.array_equal(controls(replace(shot, background=None), ALL)[0], depth)

    by_pose = denoise(shot_of_people(added), "hash", model, silent)
    result = generate(shot, model, tmp_path / "out", silent)
    assert not np.array_equal(np.load(tmp_path / "out" / LATENTS)[None], by_pose)
    record = json.loads(result.record.read_text())
    assert record["settings"]["steering"] == "depth"
    assert set(record["controls"]) == {"depth", "mask"}
    assert record["controls"]["depth"] == hashlib.sha256(depth).hexdigest()


def only(shot, who):
    return replace(shot, characters=(shot.characters[who],))


def test_another_picture_than_it_knows_is_refused(added, model):
    shot = shot_of_people(added)
    with pytest.raises(ShotError, match=r"cannot be steered by 'normals'.*Choose pose or depth"):
        denoise(replace(shot, settings=replace(shot.settings, steering="normals")), "hash", model, silent)


@pytest.mark.parametrize("phase", ["encode", "denoise", "decode", "write"])
def test_cancelled_in_any_phase_it_leaves_nothing(added, model, tmp_path, phase):
    def cancel(progress):
        if progress.phase == phase and progress.step:
            raise Cancelled

    with pytest.raises(Cancelled):
        generate(shot_of_people(added, steps=1), model, tmp_path / "out", cancel)
    assert not list((tmp_path / "out").iterdir())


def test_controls_of_another_size_than_the_canvas_are_refused(added, model, monkeypatch):
    video = np.zeros((FRAMES, SIZE[1] + 16, SIZE[0], 3), np.uint8)
    monkeypatch.setattr("isa_engine.pipeline.vace.told.control_pictures", lambda *_: (video, video))
    with pytest.raises(ShotError, match=r"controls of .*48, 48.* do not fill the canvas of 48 × 32"):
        told_at_once(shot_of_people(added), model)


def test_a_canvas_that_is_no_multiple_is_refused_before_anything_is_painted(added, model):
    shot = shot_of_people(added)
    odd = replace(shot, settings=replace(shot.settings, width=56))
    with pytest.raises(ShotError, match="multiples of 16"):
        denoise(odd, "hash", model, silent)


def test_its_cost_is_that_of_the_network(added, model):
    latents = torch.zeros(1, 16, 3, 6, 8)
    control = torch.zeros(1, 96, 3, 6, 8)
    words = torch.zeros(1, 226, 32)
    # Fused attention is not counted on a CPU.
    with FlopCounterMode(display=False) as counter, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        model.transformer(latents, torch.zeros(1), words, control_hidden_states=control)
    shape = describe(added).shape
    count = wan.tokens(shape, 3, 6, 8)
    products = wan.transformer(shape, count)
    counted = sum(2 * p.rows * p.inside * p.outside * p.times for p in products)
    assert counted == pytest.approx(counter.get_total_flops(), rel=0.05)
    work = Work(9, 64, 48, 1, 10, 5.0)
    assert describe(added).operations(work)["denoise"] > 10 * counted
    assert describe(added).ways(work, "cuda")[0].bytes > describe(added).memory_beside(work) > 0
