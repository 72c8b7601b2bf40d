"""The template, run for real by openjd-cli."""

import json
from pathlib import Path

import pytest

from isa_engine import cli
from isa_engine.shot import write_shot
from tests.farm.bundles import ISA_ENGINE, run, take

pytest.importorskip("openjd.cli", reason="needs openjd-cli (extra farm)")
OPENJD = Path(ISA_ENGINE).with_name("openjd")
RESULTS = ("plate.mp4", "matte.mp4", "shot.npz")


@pytest.fixture
def bundle(tmp_path):
    write_shot(take(), tmp_path / "take.npz")
    options = ("--out", tmp_path / "bundle", "--span", 16, "--untrained")
    run(ISA_ENGINE, "farm", "bundle", tmp_path / "take.npz", *options)
    return tmp_path / "bundle"


def openjd(bundle: Path, *options: object, fails: bool = False, **environment: str) -> str:
    template = bundle / "template.json"
    return run(OPENJD, "run", template, "-p", f"Engine={ISA_ENGINE}", *options, fails=fails, **environment)


def changed(bundle: Path, **job) -> None:
    path = bundle / "job.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **job}))


def test_shots_in_the_folders_of_takes_are_called_as_these(tmp_path):
    shots = [tmp_path / name / "shot.npz" for name in ("Scene-001", "Scene-002")]
    for seed, shot in enumerate(shots):
        shot.parent.mkdir()
        write_shot(take(seed=seed), shot)
    command = ["farm", "bundle", *map(str, shots), "--out", str(tmp_path / "bundle"), "--untrained"]
    assert cli.main(command) == 0
    assert {path.stem for path in (tmp_path / "bundle" / "shots").iterdir()} == {"Scene-001", "Scene-002"}


def test_the_template_is_whole(bundle):
    assert "template.json" in run(OPENJD, "check", bundle / "template.json")
    steps = json.loads((bundle / "template.json").read_text())["steps"]
    assert [step["name"] for step in steps] == ["Denoise", "Decode", "Assemble"]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_three_chunks_equal_the_single_run(bundle, tmp_path):
    import torch

    from isa_engine.pipeline import generate, load_model

    generate(take(), load_model("isa-tiny"), tmp_path / "single", lambda progress: None)
    # Sums over another number of threads end in other bits.
    said = openjd(bundle, OMP_NUM_THREADS=str(torch.get_num_threads()))
    assert "Span(INT) = 2" in said
    assert "openjd_progress: 100" in said
    for name in RESULTS:
        assert (bundle / "results/take" / name).read_bytes() == (tmp_path / "single" / name).read_bytes()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_chunk_that_fails_fails_the_job_with_its_reason_and_alone_runs_again(bundle):
    openjd(bundle, "--step", "Denoise")
    (work,) = (bundle / "work").iterdir()
    blocked = work / "span-8-9.safetensors"
    blocked.mkdir()
    said = openjd(bundle, fails=True)
    assert "openjd_fail" in said
    assert "cannot write" in said
    assert not (bundle / "results").exists()
    blocked.rmdir()
    before = {path: path.stat().st_mtime_ns for path in work.iterdir()}
    assert len(before) == 3
    said = openjd(bundle)
    assert said.count("was done before") == 3
    assert all(path.stat().st_mtime_ns == before[path] for path in before)
    assert (bundle / "results/take/plate.mp4").is_file()


def test_a_worker_that_cannot_declines_with_the_reason_before_any_task(bundle):
    changed(bundle, model="isa-next")
    said = openjd(bundle, fails=True)
    assert "openjd_fail: this worker does not know the model 'isa-next'" in said
    assert "Running Task" not in said
    assert not (bundle / "work").exists()


def test_schedulers_that_match_workers_are_told_what_a_worker_must_be(tmp_path):
    write_shot(take(frames=5), tmp_path / "take.npz")
    options = ("--out", tmp_path, "--gpus", 1, "--os", "windows")
    run(ISA_ENGINE, "farm", "bundle", tmp_path / "take.npz", *options)
    steps = json.loads((tmp_path / "template.json").read_text())["steps"]
    for step in steps:
        (system,) = step["hostRequirements"]["attributes"]
        assert (system["name"], system["anyOf"]) == ("attr.worker.os.family", ["windows"])
        wants_gpu = "amounts" in step["hostRequirements"]
        assert wants_gpu == (step["name"] != "Assemble")
