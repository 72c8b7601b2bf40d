"""What the tasks of a bundle leave, with a model small enough to run in a blink."""

import os
from dataclasses import replace

import pytest

from isa_engine.errors import Cancelled, EngineError
from isa_engine.farm import eligibility, engine, tasks
from isa_engine.farm.job import read_bundle, write_bundle
from isa_engine.pipeline import generate
from tests.pipeline.shots import MICRO, make_shot, speaking

RESULTS = ("plate.mp4", "matte.mp4", "shot.npz")
FRAMES = 33


def silent(progress):
    pass


@pytest.fixture(scope="module")
def model():
    """Its weights are as if from a folder, so that the matte comes from the latents."""
    return replace(speaking(MICRO), trained=True, weights="a" * 64)


@pytest.fixture(scope="module")
def single(model, tmp_path_factory):
    """The same takes, each in one run."""
    out = tmp_path_factory.mktemp("single")
    return {name: generate(shot, model, out / name, silent) for name, shot in shots()}


@pytest.fixture
def bundle(tmp_path):
    return write_bundle(shots(), tmp_path, "linux", span=16, untrained=False)


def shots():
    return [("one", make_shot(FRAMES)), ("two", make_shot(9, seed=3))]


def decode_all(bundle, model) -> list[bool]:
    return [tasks.decode_span(bundle, k, model, silent) for k in range(len(bundle.job.spans))]


def equal_single(bundle, single) -> bool:
    return all(
        (bundle.results(take) / name).read_bytes() == (single[take.name].plate.parent / name).read_bytes()
        for take in bundle.job.takes
        for name in RESULTS
    )


@pytest.mark.parametrize("span", [0, -5])
def test_spans_of_no_frames_make_no_bundle(tmp_path, span):
    with pytest.raises(EngineError, match=r"spans of .* frames are none\. Give a --span of at least 1"):
        write_bundle(shots(), tmp_path / "bundle", "linux", span, untrained=False)
    assert not (tmp_path / "bundle").exists()


def test_takes_in_spans_equal_each_in_one_run(bundle, model, single):
    for take in range(2):
        assert tasks.denoise_take(bundle, take, model, silent)
    assert len(bundle.job.spans) == 4
    assert decode_all(bundle, model) == [True] * 4
    for take in range(2):
        tasks.assemble_take(bundle, take, silent)
    assert equal_single(bundle, single)


def test_a_task_that_failed_is_all_that_runs_again(bundle, model, single):
    for take in range(2):
        tasks.denoise_take(bundle, take, model, silent)
    blocked = bundle.span(bundle.job.takes[0], 4, 8)
    blocked.mkdir()
    with pytest.raises(EngineError, match="cannot write"):
        decode_all(bundle, model)
    blocked.rmdir()
    assert [tasks.denoise_take(bundle, take, model, silent) for take in range(2)] == [False, False]
    assert decode_all(bundle, model) == [False, True, True, True]
    for take in range(2):
        tasks.assemble_take(bundle, take, silent)
    assert equal_single(bundle, single)


@pytest.mark.skipif(os.name != "posix", reason="Windows has other rights")
def test_a_worker_that_is_another_user_can_read_what_the_step_before_left(bundle, model):
    """As it can read the bundle itself."""
    tasks.denoise_take(bundle, 0, model, silent)
    tasks.decode_span(bundle, 0, model, silent)
    take = bundle.job.takes[0]
    left = bundle.latents(take), bundle.span(take, *bundle.job.spans[0][1:])
    assert {path.stat().st_mode for path in left} == {bundle.shot(take).stat().st_mode}


def test_denoising_that_broke_off_goes_on_from_its_last_step(bundle, model):
    steps = []

    def stops(progress):
        steps.append((progress.phase, progress.step))
        if steps[-1] == ("denoise", 1):
            raise Cancelled

    with pytest.raises(Cancelled):
        tasks.denoise_take(bundle, 0, model, stops)
    steps.clear()
    tasks.denoise_take(bundle, 0, model, lambda progress: steps.append((progress.phase, progress.step)))
    # It says from which step it goes on.
    assert [step for phase, step in steps if phase == "denoise"] == [1, 2]


def test_a_worker_with_other_weights_does_not_decode(bundle, model):
    tasks.denoise_take(bundle, 0, model, silent)
    with pytest.raises(EngineError, match="other weights"):
        tasks.decode_span(bundle, 0, replace(model, weights="b" * 64), silent)


def test_a_span_on_the_disk_takes_four_bytes_a_pixel_of_its_plate(bundle, model):
    """Uncompressed: three of the plate and one of the matte. With more, a long take fills a farm's disk."""
    tasks.denoise_take(bundle, 0, model, silent)
    tasks.decode_span(bundle, 0, model, silent)
    span = bundle.span(bundle.job.takes[0], *bundle.job.spans[0][1:])
    settings, header = make_shot().settings, 2**10
    assert span.stat().st_size <= 4 * 13 * settings.width * settings.height + header


def test_a_missing_span_is_named_and_leaves_no_results(bundle, model):
    tasks.denoise_take(bundle, 0, model, silent)
    tasks.decode_span(bundle, 0, model, silent)
    with pytest.raises(EngineError, match="span-4-8"):
        tasks.assemble_take(bundle, 0, silent)
    assert list(bundle.results(bundle.job.takes[0]).iterdir()) == []


@pytest.mark.parametrize("number", [-1, 2, 4])
def test_a_number_that_no_task_of_the_bundle_has_is_said(bundle, model, number):
    for task, what, count in ((tasks.denoise_take, "take", 2), (tasks.decode_span, "span", 4)):
        if 0 <= number < count:
            continue
        with pytest.raises(EngineError, match=rf"no {what} {number}\. .* numbered from 0 to {count - 1}"):
            task(bundle, number, model, silent)
    with pytest.raises(EngineError, match=f"there is no take {number}"):
        tasks.assemble_take(bundle, number, silent)


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        ({"operating_system": "macos"}, "this worker runs linux and the job wants macos"),
        ({"model": "isa-4b"}, "this worker has no weights of the model 'isa-4b'"),
        ({"model": "isa-next"}, "this worker does not know the model 'isa-next'"),
        ({"engine": "0.0.1"}, "and the job's 0.0.1"),
    ],
)
def test_what_a_worker_cannot_do_is_declined_with_the_reason(job, reason, bundle, monkeypatch):
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("isa_engine.models.isa.weights_folder", lambda name: None)
    fits = replace(bundle.job, model="isa-tiny", untrained=True)
    eligibility.check(fits)
    with pytest.raises(EngineError, match=reason):
        eligibility.check(replace(fits, **{"untrained": False, **job}))


def test_a_bundle_reads_as_it_was_written(bundle):
    assert read_bundle(bundle.folder).job == bundle.job


def test_a_sessions_folder_that_cannot_be_written_is_said_in_a_sentence(bundle, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EngineError, match=f"cannot write: '{tmp_path / 'file'}' is a file"):
        engine.start(read_bundle(tmp_path), tmp_path / "file", "cpu")
