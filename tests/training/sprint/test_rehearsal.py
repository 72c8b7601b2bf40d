"""The whole of a lent machine at toy scale: probe, learn, be killed, and go on from what was left."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from isa_engine.networks.weight_files import read_weights
from isa_engine.training.dit.trainer import DiTTrainer
from isa_engine.training.ring.feeder import PID, is_fed
from isa_engine.training.ring.ring import Ring
from isa_engine.training.runs.encoding_model import encoding_model
from isa_engine.training.runs.parallel import make_accelerator
from isa_engine.training.sprint.held_out import HeldOutClips
from isa_engine.training.sprint.outputs import RAW, SHEET, USED, check
from isa_engine.training.sprint.recipe import SprintTraining, read_recipe
from tests.service.running import eventually
from tests.training.sprint.toy import MODEL, write_recipe

EXPORT_SECONDS = 4


@pytest.fixture
def temporary(tmp_path):
    """The folder in which the command makes temporary ones."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@pytest.fixture
def machine(tmp_path, temporary):
    """Runs the command as such a machine does; its ring has a name of its own."""
    recipe, name = write_recipe(tmp_path), f"isa-rehearsal-{os.getpid()}"

    def run(*arguments: str) -> subprocess.Popen:
        module = [sys.executable, "-m", "tests.training.sprint.toy", str(EXPORT_SECONDS)]
        common = ["--config", str(recipe), "--device", "cpu", "--ring", name, "--writers", "2"]
        environment = {**os.environ, "TMPDIR": str(temporary)}
        command = [*module, *arguments, *common]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)

    yield run
    for place in ("/dev/shm", "/tmp"):
        ring = Path(place) / name
        if ring.exists():
            os.kill(int((ring / PID).read_text()), signal.SIGKILL)
            shutil.rmtree(ring)


def held_out_losses(folder: Path, *starts: Path | None) -> list[float]:
    """The losses of what sprints left, and of fresh weights, on the same clips with the same noise: those of
    two batches differ by more than a few steps learn."""
    clips, losses = HeldOutClips(MODEL.dit.points, 5, 32, 32), []
    for start in starts:
        unpacked = folder / "starts" / (start.name if start else "fresh")
        settings = read_recipe(folder / "recipe.toml", SprintTraining, start, unpacked)
        trainer = DiTTrainer(settings, None, make_accelerator("cpu"))
        losses.append(clips.loss(trainer, clips.sample(encoding_model(settings, "cpu"))))
    return losses


def curve(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "curves.jsonl").read_text().splitlines()]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_lent_machine_is_probed_learns_is_killed_and_learns_on(machine, temporary, tmp_path):
    run = machine
    probed = run("probe", "--minutes", "3", "--out", str(tmp_path / "probe"))
    told = probed.communicate(timeout=400)[0]
    assert probed.returncode == 0
    found = json.loads((tmp_path / "probe" / "probe.json").read_text())
    assert found["recommended"]["latent_frames_a_second"] > 0
    assert found["feed"]["clips_a_second"] > 0
    assert "recommended" in told
    ring = Ring(Path(found["ring"]["folder"]))
    assert is_fed(ring.folder), "the feeder outlives the command"

    first = tmp_path / "first"
    killed = run("train", "dit", "--minutes", "5", "--out", str(first))
    exports = set()

    def exported_twice() -> bool:
        assert killed.poll() is None
        if (first / RAW).exists() and (first / "curves.jsonl").exists():
            exports.add((first / RAW).stat().st_mtime_ns)
        return len(exports) > 1

    eventually(exported_twice, "it is well under way", 300)
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    of_the_killed = set(temporary.glob("isa-*"))
    check(first)
    read_weights(first / USED)
    last = curve(first)[-1]

    seeds = set(ring.seeds[0])
    second = tmp_path / "second"
    resumed = run("train", "dit", "--minutes", "1.5", "--out", str(second), "--start", str(first))
    resumed.communicate(timeout=400)
    assert resumed.returncode == 0
    assert set(temporary.glob("isa-*")) == of_the_killed, "a process that ends leaves nothing"
    check(second)
    assert {USED, RAW, SHEET, "run.json", "curves.jsonl"} <= {file.name for file in second.iterdir()}
    assert last["step"] > 0
    rates = [point["learning_rate"] for point in curve(second) if "loss" in point]
    assert rates[-1] < 0.2 * max(rates)
    assert is_fed(ring.folder)
    assert seeds != set(ring.seeds[0]) or ring.wanted(0) is None
    fresh, killed_at, learned_on = held_out_losses(tmp_path, None, first, second)
    assert learned_on < min(fresh, killed_at)

    unpacked = tmp_path / "run"
    made = subprocess.run(
        [sys.executable, "-m", "isa_engine.training.sprint", "unpack", str(second), str(unpacked)],
        check=False,
    )
    assert made.returncode == 0
    assert {"dit.safetensors", "image_tower.safetensors"} <= {file.name for file in unpacked.iterdir()}
