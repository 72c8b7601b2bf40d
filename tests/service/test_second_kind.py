"""A model of another kind behind the service: queue, events, previews, cancel, a killed worker, results."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from isa_engine.client import EngineClient
from isa_engine.errors import IsaError
from isa_engine.models import KINDS
from isa_engine.pipeline import generate, load_model
from isa_engine.shot import encode_shot
from tests.pipeline import discs
from tests.pipeline.shots import make_shot
from tests.service.disc_engine import COMMAND
from tests.service.running import RunningEngine, eventually

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    data = tmp_path_factory.mktemp("engine")
    running = RunningEngine(data, "--stop-with-stdin", command=COMMAND, PYTHONPATH=str(ROOT))
    eventually(lambda: running.client.health().device, "the worker is ready", 200)
    yield running
    running.end()


def shot_of_discs(steps=4, **settings):
    shot = make_shot(frames=10, steps=steps)
    cast = tuple(replace(c, prompt=p) for c, p in zip(shot.characters, ("red", "blue"), strict=True))
    settings = replace(shot.settings, **{"model": discs.NAME, "width": 96, "height": 64, **settings})
    return replace(shot, characters=cast, settings=settings)


def finished(client: EngineClient, job: str):
    return eventually(lambda: (status := client.job(job)).finished and status, "the job ends")


def test_the_engine_lists_it_and_refuses_what_it_does_not_know(engine):
    (model,) = engine.client.health().models
    assert (model.name, model.kind, model.state, model.licence) == ("discs", "discs", "here", "CC0-1.0")
    assert (model.short_side, model.multiple, model.max_frames) == (48, 4, 21)
    with pytest.raises(IsaError, match="no model 'isa-tiny'"):
        engine.client.submit(encode_shot(shot_of_discs(model="isa-tiny")))
    with pytest.raises(IsaError, match="98 × 64 pixels does not suit 'discs'"):
        engine.client.submit(encode_shot(shot_of_discs(width=98)))
    with pytest.raises(IsaError, match="61 frames without a cut are too many for 'discs'"):
        engine.client.submit(encode_shot(replace(make_shot(frames=61), settings=shot_of_discs().settings)))


def test_a_killed_worker_changes_no_byte(engine, tmp_path, monkeypatch):
    shot = shot_of_discs(steps=30)
    job = engine.client.submit(encode_shot(shot))
    eventually(lambda: engine.client.job(job).step >= 5, "it denoises")
    children = Path(f"/proc/{engine.process.pid}/task/{engine.process.pid}/children").read_text().split()
    for child in children:
        os.kill(int(child), signal.SIGKILL)
    status = finished(engine.client, job)
    assert (status.state, status.error) == ("done", "")
    (tmp_path / "fetched").mkdir()
    for file in engine.client.results(job):
        engine.client.fetch(job, file.name, tmp_path / "fetched" / file.name)
    monkeypatch.setitem(KINDS, "discs", discs.KIND)
    generate(shot, load_model(discs.NAME), tmp_path / "here", lambda progress: None, made=status.created)
    for name in ("plate.mp4", "matte.mp4", "shot.npz"):
        assert (tmp_path / "fetched" / name).read_bytes() == (tmp_path / "here" / name).read_bytes()
    record = json.loads((tmp_path / "fetched" / "record.json").read_text())
    assert record["model"]["name"] == "discs"
    assert record["settings"]["steps"] == 30


def test_it_is_previewed_and_cancelled_at_a_step(engine, tmp_path):
    job = engine.client.submit(encode_shot(shot_of_discs(steps=200)))
    eventually(lambda: engine.client.job(job).previews, "there is a preview")
    engine.client.fetch_preview(job, tmp_path / "preview.png")
    assert (tmp_path / "preview.png").read_bytes().startswith(b"\x89PNG")
    engine.client.cancel(job)
    assert finished(engine.client, job).state == "cancelled"
