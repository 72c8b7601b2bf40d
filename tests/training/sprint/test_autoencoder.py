"""A sprint of the decoder: by the clock, and with what comes back as a run to bundle and to go on from."""

import json

import pytest
import torch

from isa_engine.networks.weight_files import load_weights
from isa_engine.pipeline.isa.model import build_model
from isa_engine.training.configuration import VAETraining
from isa_engine.training.ring.ring import Ring
from isa_engine.training.ring.shelves import draws_of_vae, layout_for
from isa_engine.training.sprint import autoencoder, held_out, loop
from isa_engine.training.sprint.autoencoder import AutoencoderSprint
from isa_engine.training.sprint.clock import Clock
from isa_engine.training.sprint.outputs import RAW, SHEET, USED, check, to_go_on_from, unpack
from isa_engine.training.sprint.recipe import read_recipe
from tests.training.operators import Operators
from tests.training.ring.test_ring import fill
from tests.training.sprint.test_transformer import Time
from tests.training.sprint.toy import MODEL, write_recipe

RECIPE = """
model = "micro"
start = "{start}"
train_encoder = false
frames = [5, 5]
steps = [100000, 0]
batch = 2
height = 32
width = 32
shift = 0
fastest = 1.5
optimizer = "muon"
learning_rate = 3e-3
warm_up = 3
l1 = 0.2
l2 = 4.0
kl = 0.0
regularisation = 0.0
latent_noise = 0.08
gan_2d = 0.004
gan_3d = 0.004
discriminator_width = 8
feature_matching = 0.02
gan_from = 0.67
"""


@pytest.fixture
def sprint(tmp_path, monkeypatch):
    """Begins a sprint of so many minutes from a ring that is full already."""

    def begin(minutes: float = 4.0, start=None) -> AutoencoderSprint:
        write_recipe(tmp_path)
        (tmp_path / "vae.toml").write_text(RECIPE.format(start=tmp_path))
        settings = read_recipe(tmp_path / "vae.toml", VAETraining, start, tmp_path / "start")
        draws = draws_of_vae(settings)
        ring = Ring.create(tmp_path / "ring", layout_for(draws, 4, 2, 1_000_000, 1e9, 0))
        fill(ring, 12)
        monkeypatch.setattr(autoencoder, "open_ring", lambda *_: ring)
        monkeypatch.setattr(loop, "start", lambda folder: None)
        monkeypatch.setattr(held_out, "_CLIPS", 1)
        out, story = tmp_path / "out", tmp_path / "story"
        return AutoencoderSprint(settings, out, story, Clock(minutes, 20, Time()), "cpu", "ring")

    return begin


def test_a_decoder_learns_by_the_clock_with_discriminators_at_last_and_makes_a_run(sprint, tmp_path):
    run = sprint()
    run()
    out = tmp_path / "out"
    check(out)
    assert {USED, SHEET, "run.json", "curves.jsonl"} == {file.name for file in out.iterdir()}
    lines = [json.loads(line) for line in (out / "curves.jsonl").read_text().splitlines()]
    points = [point for point in lines if "l2" in point]
    assert points[-1]["l2"] < points[0]["l2"]
    assert "gan_2d" not in points[0]
    assert "gan_2d" in points[-1]
    assert points[-1]["learning_rate"] < 0.2 * max(point["learning_rate"] for point in points)
    assert any("held_out_psnr" in point for point in lines)

    assert to_go_on_from(out) == USED
    unpack(out, tmp_path / "run")
    read = build_model(MODEL, None, "cpu")
    load_weights(read.vae, tmp_path / "run" / "vae.safetensors")
    load_weights(read.matte_head, tmp_path / "run" / "matte_head.safetensors")
    for name, value in run.trainer.vae.state_dict().items():
        torch.testing.assert_close(read.vae.state_dict()[name].float(), value, atol=2e-3, rtol=2e-3)
    again = sprint(start=out)
    assert torch.equal(again.trainer.vae.latent_scale, run.trainer.vae.latent_scale)
    assert not (out / RAW).exists()


def test_a_loss_that_is_no_number_leads_back_at_half_the_rate(sprint):
    run = sprint()
    for share in (0.1, 0.2):
        run.step(share)
    run.export()
    good = {name: value.clone() for name, value in run.trainer.vae.state_dict().items()}
    with torch.no_grad():
        next(run.trainer.vae.decoder.parameters()).fill_(torch.nan)
    run.log([run.step(0.3)])
    assert all(torch.equal(value, good[name]) for name, value in run.trainer.vae.state_dict().items())
    assert run.step(0.3)["l2"].isfinite()
    assert run.trainer.settings.learning_rate == pytest.approx(1.5e-3)


def test_a_step_waits_for_nothing(sprint):
    run = sprint()
    run.step(0.9)
    with Operators() as operators:
        run.step(0.9)
    assert operators.waits == {}


def test_a_batch_too_large_for_the_memory_is_halved(sprint):
    run = sprint()
    failures = [torch.OutOfMemoryError("CUDA out of memory")]

    def fails():
        if failures:
            raise failures.pop()
        return run.step(0.1)

    run.fallbacks(fails)
    assert {draw.clips for draw in run.batches.draws} == {1}
