"""The autoencoder's training lowers every loss, and continues exactly where it stopped."""

import dataclasses

import pytest
import safetensors.torch
import torch

from isa_engine.configuration import MODELS, ModelConfig, model_config
from isa_engine.errors import ModelError
from isa_engine.networks.weight_files import load_weights
from isa_engine.training.batches.video_batches import VideoBatches
from isa_engine.training.configuration import VAETraining
from isa_engine.training.runs.run import Run
from isa_engine.training.vae.trainer import VAETrainer, kl_divergence
from isa_engine.vae import VideoVAE
from isa_engine.vae.linear_windows import to_windows
from tests.training.micro import micro, one_clip
from tests.training.operators import Operators

SETTINGS = VAETraining(
    model="micro",
    frames=(5, 9),
    steps=(30, 10),
    batch=1,
    height=32,
    width=32,
    learning_rate=2e-3,
    warm_up=1,
    kl=1e-5,
    gan_2d=0.0,
    gan_3d=0.0,
    linear_start=0,
    fastest=1.0,
    shift=0,
)
EVERYTHING = {
    "optimizer": "muon",
    "gan_2d": 0.05,
    "gan_3d": 0.05,
    "feature_matching": 0.1,
    "gan_from": 0.0,
    "discriminator_width": 8,
    "latent_noise": 0.1,
}


def micro_with_tail() -> ModelConfig:
    return dataclasses.replace(micro(), name="micro-tail", vae=dataclasses.replace(micro().vae, tail_width=8))


@pytest.fixture(autouse=True)
def _listed(monkeypatch):
    monkeypatch.setitem(MODELS, "micro", micro)
    monkeypatch.setitem(MODELS, "micro-tail", micro_with_tail)


def trainer(**changes) -> VAETrainer:
    settings = dataclasses.replace(SETTINGS, **changes)
    return VAETrainer(settings, VideoBatches(settings, one_clip))


@pytest.mark.parametrize(
    ("weights", "terms"),
    # The start is so close to this clip that its latents' likelihood costs some of the picture.
    [
        ({"kl": 0.0, "l2": 1.0}, ("l1", "l2", "regularisation", "matte")),
        ({"kl": 0.01, "learning_rate": 5e-3}, ("kl",)),
    ],
)
def test_twenty_steps_on_one_clip_lower_every_loss(weights, terms):
    training = trainer(**weights)
    losses = [training.step() for _ in range(20)]
    for name in terms:
        assert losses[-1][name] < 0.9 * losses[0][name], name


def test_an_interrupted_run_continues_bit_for_bit(tmp_path):
    changes = EVERYTHING | {"gan_from": 0.05}
    straight = trainer(**changes)
    curve = [straight.step() for _ in range(5)]
    first = trainer(**changes)
    before = [first.step() for _ in range(3)]
    Run(tmp_path).save(first.state())
    second = trainer(**changes)
    second.load(Run(tmp_path).load())
    assert before + [second.step() for _ in range(2)] == curve
    for (name, one), other in zip(
        straight.vae.state_dict().items(), second.vae.state_dict().values(), strict=True
    ):
        assert torch.equal(one, other), name


def test_the_discriminators_join_at_their_share_of_the_run():
    training = trainer(**EVERYTHING | {"gan_from": 0.025})
    theirs = {"gan_2d", "gan_3d", "feature_matching", "discriminator_2d", "discriminator_3d"}
    assert not theirs & set(training.step())
    assert theirs <= set(training.step())


def test_the_rate_falls_to_nothing_with_the_share_of_a_clock():
    training, rates = trainer(**EVERYTHING | {"gan_from": 0.5}), []
    for gone in (0.0, 0.25, 0.499, 0.75, 1.0):
        assert ("gan_2d" in training.step(gone)) == (gone >= 0.5)
        rates.append(training.optimizer.param_groups[0]["lr"])
    assert rates[0] == SETTINGS.learning_rate
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == 0


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_step_waits_for_nothing(precision):
    training = trainer(precision=precision, **EVERYTHING)
    batch = training.batches(0)
    training.batches = lambda step: batch
    training.step()
    with Operators() as asked:
        training.step()
    assert asked.calls["addmm"] + asked.calls["convolution"] > 20
    assert asked.waits == {}


def test_half_precision_tells_nearly_the_same_losses_and_leaves_whole_weights():
    exact, mixed = (trainer(precision=precision, **EVERYTHING) for precision in ("fp32", "bf16"))
    expected, found = exact.step(), mixed.step()
    assert expected.keys() == found.keys()
    assert any(expected[name] != found[name] for name in expected)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value.item(), rel=0.05, abs=2e-3), name
    assert all(parameter.dtype == torch.float32 for parameter in mixed.vae.parameters())


@torch.no_grad()
def test_each_clip_is_disturbed_by_as_much_as_it_draws_in_normalised_latents():
    training = trainer(latent_noise=0.5)
    scale = torch.linspace(0.5, 4, 16)
    training.vae.set_normalisation(torch.zeros(16), scale)
    latents = torch.randn(64, 16, 2, 8, 8)
    noise = training._disturbed(latents, torch.Generator().manual_seed(0)) - latents
    noise = training.vae.normalise(noise)
    levels = noise.flatten(1).std(1)
    assert 0.4 < levels.max() < 0.55
    assert levels.min() < 0.1
    channels = noise.transpose(0, 1).flatten(1).std(1)
    assert channels.max() < 1.2 * channels.min()
    assert trainer()._disturbed(latents, torch.Generator()) is latents


def test_a_tail_that_is_new_begins_as_nothing_and_learns_on_from_weights_without_one(tmp_path):
    first = trainer()
    first.step()
    first.export(tmp_path)
    second = trainer(model="micro-tail", train_encoder=False, start=str(tmp_path))
    video = one_clip(0, 5, 32, 32)[None, :3]
    latents = first.vae.encode(video).mode()
    assert torch.equal(second.vae.decode(latents), first.vae.decode(latents))
    for _ in range(3):
        second.step()
    assert all(parameter.any() for parameter in second.vae.tail.conv_out.parameters())
    assert torch.equal(second.vae.encode(video).mode(), latents)


def test_a_tail_can_learn_alone():
    training = trainer(model="micro-tail", train_encoder=False, train_decoder=False, matte=0.0)
    before = {name: tensor.clone() for name, tensor in training.vae.state_dict().items()}
    head = {name: tensor.clone() for name, tensor in training.matte_head.state_dict().items()}
    first = training.step()
    for _ in range(8):
        last = training.step()
    assert last["l1"] < first["l1"]
    changed = {n for n, tensor in training.vae.state_dict().items() if not torch.equal(tensor, before[n])}
    assert changed == {name for name in before if name.startswith("tail.")}
    assert all(torch.equal(tensor, head[name]) for name, tensor in training.matte_head.state_dict().items())


def test_an_anchored_encoder_learns_on_and_keeps_near_the_latents_that_a_transformer_knows(tmp_path):
    first = trainer()
    first.step()
    first.export(tmp_path)
    video = one_clip(0, 5, 32, 32)[None, :3]
    moved = {}
    for weight in (1e-6, 100.0):
        training = trainer(start=str(tmp_path), latent_anchor=weight)
        before = training.vae.encode(video).mode()
        terms = [training.step() for _ in range(8)]
        assert terms[0]["latent_anchor"] == 0
        (tmp_path / str(weight)).mkdir()
        training.export(tmp_path / str(weight))
        for name in ("latent_shift", "latent_scale"):
            assert torch.equal(getattr(training.vae, name), getattr(first.vae, name))
        moved[weight] = (training.vae.encode(video).mode() - before).square().mean()
        assert torch.equal(training.anchor.encode(video).mode(), before)
    assert 0 < 4 * moved[100.0] < moved[1e-6]


def test_latents_are_anchored_to_a_finished_run():
    with pytest.raises(ModelError, match="no latents to keep to"):
        trainer(latent_anchor=1.0)


def test_the_second_stage_has_longer_clips():
    lengths = []

    def watched(seed, frames, height, width):
        lengths.append(frames)
        return one_clip(seed, frames, height, width)

    settings = dataclasses.replace(SETTINGS, steps=(1, 1))
    training = VAETrainer(settings, VideoBatches(settings, watched))
    while not training.finished:
        training.step()
    assert lengths == [5, 9]


def test_the_regularisation_reaches_the_encoder_and_not_the_decoder():
    training = trainer(l1=0.0, kl=0.0)
    video = one_clip(0, 5, 32, 32)[None, :3]
    posterior = training.vae.encode(video)
    latents = posterior.mode()
    terms = training.terms(video, latents, posterior, training.vae.decode(latents))
    terms["regularisation"].backward()
    assert training.vae.encoder.conv_out.weight.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in training.vae.decoder.parameters())


def test_the_linear_start_is_the_best_linear_autoencoder():
    training = trainer(frames=(1, 1), height=64, width=64, learning_rate=0.0, linear_start=1)
    windows = to_windows(one_clip(0, 1, 64, 64)[None, :3], 8, True).flatten(0, -2)
    centred = windows - windows.mean(0)
    left, singular, right = torch.linalg.svd(centred, full_matrices=False)
    best = (left[:, :16] * singular[:16]) @ right[:16] + windows.mean(0)
    training.step()
    encoder, decoder = training.vae.encoder.linear, training.vae.decoder.linear
    latents = encoder.weight @ windows.T + encoder.bias[:, None]
    decoded = (decoder.weight @ latents).T + decoder.bias
    assert torch.allclose(decoded, best, atol=1e-3)


def test_an_encoder_that_does_not_learn_leaves_the_latents_alone():
    training = trainer(train_encoder=False)
    video = one_clip(0, 5, 32, 32)[None, :3]
    before = training.vae.encode(video).mode()
    decoded = training.vae.decode(before)
    training.step()
    assert torch.equal(training.vae.encode(video).mode(), before)
    assert not torch.equal(training.vae.decode(before), decoded)


def test_a_decoder_that_learns_on_goes_on_from_a_runs_weights_and_keeps_the_latents_scale(tmp_path):
    first = trainer()
    first.step()
    first.export(tmp_path)
    second = trainer(train_encoder=False, start=str(tmp_path), linear_start=1)
    for name, value in first.vae.state_dict().items():
        assert torch.equal(second.vae.state_dict()[name], value), name
    second.batches = lambda step: first.batches(step) * 0.5
    second.step()
    second.export(tmp_path)
    kept = first.vae.normalise(first.vae.encode(one_clip(0, 5, 32, 32)[None, :3]).mode())
    left = VideoVAE(**dataclasses.asdict(model_config("micro").vae))
    load_weights(left, tmp_path / "vae.safetensors")
    assert torch.equal(left.normalise(left.encode(one_clip(0, 5, 32, 32)[None, :3]).mode()), kept)


def test_the_matte_heads_loss_reaches_nothing_else():
    training = trainer(l1=0.0, kl=0.0, regularisation=0.0)
    before = {name: tensor.clone() for name, tensor in training.vae.state_dict().items()}
    head = {name: tensor.clone() for name, tensor in training.matte_head.state_dict().items()}
    training.step()
    assert all(torch.equal(tensor, before[name]) for name, tensor in training.vae.state_dict().items())
    assert not any(torch.equal(tensor, head[name]) for name, tensor in training.matte_head.named_parameters())


def test_kl_of_a_standard_gaussian_is_nothing():
    zero = torch.zeros(2, 16, 1, 2, 2)
    assert kl_divergence(zero, zero) == 0
    assert kl_divergence(zero + 1, zero) == pytest.approx(0.5 * 16 * 4)


def test_a_perceptual_loss_without_its_network_is_refused():
    with pytest.raises(ModelError, match=r"has no network.*'lpips'"):
        trainer(perceptual=1.0)


def test_the_exported_weights_are_the_vaes(tmp_path):
    training = trainer()
    training.step()
    training.export(tmp_path)
    tensors = safetensors.torch.load_file(tmp_path / "vae.safetensors")
    assert tensors.keys() == training.vae.state_dict().keys()
    tensors = safetensors.torch.load_file(tmp_path / "matte_head.safetensors")
    assert tensors.keys() == training.matte_head.state_dict().keys()


@torch.no_grad()
def test_an_error_of_any_exported_channel_costs_the_picture_the_same(tmp_path):
    # Noise, so that every channel carries more than rounding.
    video = torch.rand(1, 4, 1, 96, 96, generator=torch.Generator().manual_seed(99)) * 2 - 1
    training = trainer(frames=(1, 1), height=96, width=96)
    training.batches = lambda step: video
    vae = training.vae
    vae.decoder.linear.weight[:, 0] *= 8
    vae.decoder.conv_in.weight[:, 0] *= 8
    training.export(tmp_path)
    latents = vae.normalise(vae.encode(video[:, :3]).mode())
    values = latents.transpose(0, 1).flatten(1)
    assert values.mean(1).abs().max() < 1e-3
    assert values.std(1, correction=0).max() == pytest.approx(2, rel=1e-3)
    undisturbed, errors = vae.decode(vae.denormalise(latents)), []
    for channel, deviation in enumerate(values.std(1)):
        noise = torch.randn(latents[:, 0].shape, generator=torch.Generator().manual_seed(channel))
        disturbed = latents.clone()
        disturbed[:, channel] += 0.3 * deviation * noise
        error = (vae.decode(vae.denormalise(disturbed)) - undisturbed).square().mean().sqrt()
        errors.append(error / (0.3 * deviation))
    errors = torch.stack(errors)
    # Another noise than was measured by.
    assert errors.max() < 2 * errors.min()
