"""The engine itself behind the service, and behind Blender's side of it: no stub."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from isa_blender_addon.engine.jobs import JobRunner
from isa_blender_addon.engine.process import LocalEngine
from isa_engine.client.protocol import RESULTS
from isa_engine.shot import Character, Settings, Shot, encode_shot, read_shot
from tests.service.running import eventually
from tests.shot.shots import small_shot


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    engine = LocalEngine(tmp_path_factory.mktemp("engine") / "engine.log", sys.executable)
    engine.start()
    yield engine
    engine.stop()


def small_real_shot(steps: int) -> Shot:
    """Three frames of a cloud of points before the camera, smaller than isa-tiny is made for."""
    cloud = np.random.default_rng(3).normal(scale=0.5, size=(64, 3)).astype(np.float32)
    triangles = np.array([[0, 1, 2]], np.int32)
    return replace(
        small_shot(),
        characters=(Character("Anna", np.tile(cloud, (3, 1, 1)), triangles),),
        references=(),
        frame_reference=None,
        background=None,
        settings=Settings(width=64, height=64, steps=steps),
    )


def run(local: LocalEngine, shot: Shot, take: Path) -> JobRunner:
    runner = JobRunner(local, lambda: encode_shot(shot), take)
    runner.start()
    return runner


def test_a_shot_becomes_a_plate(local, tmp_path):
    shot = small_real_shot(steps=2)
    snapshot = run(local, shot, tmp_path).wait(200)
    assert (snapshot.state, snapshot.error) == ("done", "")
    assert set(RESULTS) <= {file.name for file in tmp_path.iterdir()}
    for name in ("plate.mp4", "matte.mp4"):
        with av.open(str(tmp_path / name)) as movie:
            frames = list(movie.decode(video=0))
        # Every second scene frame is generated, and held for two.
        assert len(frames) in (5, 6)
        assert (frames[0].width, frames[0].height) == (64, 64)
    assert encode_shot(read_shot(tmp_path / "shot.npz")) == encode_shot(shot)
    assert json.loads((tmp_path / "record.json").read_text())


def test_a_running_job_can_be_cancelled_and_the_model_stays_loaded(local, tmp_path):
    runner = run(local, small_real_shot(steps=1000), tmp_path / "first")
    eventually(
        lambda: runner.snapshot().phase == "denoise" and runner.snapshot().step >= 1, "it denoises", 200
    )
    runner.cancel()
    assert runner.wait(200).state == "cancelled"
    assert run(local, small_real_shot(steps=1), tmp_path / "second").wait(200).state == "done"
    assert local.log.read_text().count("Traceback") == 0
