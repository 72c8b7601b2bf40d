"""The transformer's training: its target, its dropout, and exact continuation."""

import dataclasses

import pytest
import safetensors.torch
import torch

from isa_engine.dit import Conditioning
from isa_engine.errors import ModelError
from isa_engine.networks.weight_files import load_weights, weight_files, write_weights
from isa_engine.training.configuration import DiTTraining
from isa_engine.training.dit.condition_dropout import drop_conditions
from isa_engine.training.dit.figures import figures
from isa_engine.training.dit.trainer import DiTTrainer
from isa_engine.training.runs.run import Run
from tests.training.micro import micro_networks, one_batch
from tests.training.operators import CopiesFromTheHost, Operators

SETTINGS = DiTTraining(steps=50, learning_rate=3e-3, warm_up=1, ema=0.9)


def trainer(**changes) -> DiTTrainer:
    return DiTTrainer(dataclasses.replace(SETTINGS, **changes), one_batch, networks=micro_networks())


def test_twenty_steps_on_one_batch_lower_the_loss():
    training = trainer()
    losses = [training.step()["loss"] for _ in range(24)]
    assert sum(losses[-4:]) < 0.9 * sum(losses[:4])


def test_the_learning_rate_warms_up_stays_and_cools_down_to_the_last_step():
    training = trainer(steps=10, warm_up=2, cool_down_share=0.4, learning_rate=4e-3)
    rates = []
    while not training.finished:
        training.step()
        rates.append(training.optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([2e-3, *[4e-3] * 6, 3e-3, 2e-3, 1e-3])


def test_a_clock_that_ends_a_run_before_its_steps_cools_it_down():
    training = trainer(steps=1000, warm_up=1, cool_down_share=0.5, learning_rate=4e-3)
    rates = []
    for gone in (0.0, 0.4, 0.5, 0.75, 0.999, 1.0):
        training.step(gone)
        rates.append(training.optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([4e-3, 4e-3, 4e-3, 2e-3, 8e-6, 0.0])


@pytest.mark.parametrize(
    "changes", [{}, {"optimizer": "muon", "precision": "bf16"}, {"gradient_checkpointing": True}]
)
def test_nothing_in_a_step_waits_for_the_device(changes):
    training = trainer(figure_weight=2.0, **changes)
    # The first step makes the moments.
    training.step()
    with Operators() as operators:
        loss = training.step()["loss"]
    assert operators.kernels > 100
    assert not operators.waits
    assert loss.ndim == 0
    assert loss.isfinite()


def test_no_constant_is_copied_to_the_device_for_a_forward_pass():
    """A copy from the host, as of a table that numpy made, waits for the device as reading from it does."""
    conditioning, pictures = (part.to("meta") for part in one_batch(0)[1:])
    latents, time = torch.empty(2, 16, 2, 4, 4, device="meta"), torch.empty(2, device="meta")
    networks = micro_networks().to("meta")
    with CopiesFromTheHost() as copies:
        networks(latents, time, conditioning, pictures)
        figures(conditioning)
        drop_conditions(conditioning, SETTINGS, None)
    assert not copies.found


def test_a_run_whose_loss_is_no_number_goes_on_from_earlier_weights_at_half_the_rate():
    training = trainer(warm_up=2, learning_rate=4e-3)
    for _ in range(3):
        training.step()
    networks = {name: value.clone() for name, value in training.networks.state_dict().items()}
    averages = training.averaged().state_dict()
    with torch.no_grad():
        next(training.networks.parameters()).fill_(torch.nan)
    assert not training.step()["loss"].isfinite()
    training.restart(networks, averages)
    assert all(torch.equal(value, networks[name]) for name, value in training.networks.state_dict().items())
    assert all(torch.equal(value, averages[name]) for name, value in training.averaged().state_dict().items())
    assert not training.optimizer.state
    rates = []
    for _ in range(3):
        assert training.step()["loss"].isfinite()
        rates.append(training.optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([1e-3, 2e-3, 2e-3])
    # What was kept stays as it was.
    assert not torch.equal(next(training.networks.parameters()), networks[next(iter(networks))])


@pytest.mark.parametrize("conditioning", ["isa-without-ispe", "controlnet-2d"])
def test_the_ablations_learn_by_the_same_loop(conditioning):
    training = DiTTrainer(SETTINGS, one_batch, networks=micro_networks(conditioning))
    losses = [training.step()["loss"] for _ in range(12)]
    assert sum(losses[-3:]) < 0.95 * sum(losses[:3])
    control = [value for name, value in training.networks.state_dict().items() if "control" in name]
    assert all(value.any() for value in control)


def test_a_network_that_knows_the_flow_has_no_loss():
    training = trainer()
    latents, conditioning, pictures = one_batch(0)
    noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(5))
    training.networks = lambda noisy, time, conditions, pictures: latents - noise
    assert training.loss(latents, conditioning, pictures, torch.Generator().manual_seed(5)) == 0


def test_an_interrupted_run_continues_bit_for_bit(tmp_path):
    straight = trainer()
    curve = [straight.step() for _ in range(5)]
    first = trainer()
    before = [first.step() for _ in range(3)]
    Run(tmp_path).save(first.state())
    second = trainer()
    second.load(Run(tmp_path).load())
    assert before + [second.step() for _ in range(2)] == curve
    averages = (straight.averaged().state_dict(), second.averaged().state_dict())
    for (name, one), other in zip(averages[0].items(), averages[1].values(), strict=True):
        assert torch.equal(one, other), name


def with_somebody_reprojected() -> Conditioning:
    _, conditioning, _ = one_batch(0)
    return dataclasses.replace(conditioning, reprojected_latents=conditioning.background_latents + 1)


@pytest.mark.parametrize(
    ("rate", "lost"),
    [
        ("drop_cast", {"visible", "identity_known", "image_known", "reference_latents", "normal_maps"}),
        ("drop_identity", {"identity_known"}),
        ("drop_image", {"image_known"}),
        ("drop_reference", {"reference_latents"}),
        ("drop_background", {"background_latents", "reprojected_latents"}),
        ("drop_camera", {"cameras"}),
    ],
)
def test_dropout_reaches_each_condition_and_no_other(rate, lost):
    rates = {name: 0.0 for name in vars(SETTINGS) if name.startswith("drop_")}
    settings = dataclasses.replace(SETTINGS, **{**rates, rate: 1.0})
    conditioning = with_somebody_reprojected()
    dropped = drop_conditions(conditioning, settings, torch.Generator())
    if rate == "drop_cast":
        assert torch.equal(dropped.reprojected_latents, dropped.background_latents)
        dropped = dataclasses.replace(dropped, reprojected_latents=conditioning.reprojected_latents)
    for field in dataclasses.fields(conditioning):
        before, after = getattr(conditioning, field.name), getattr(dropped, field.name)
        assert (not after.any()) if field.name in lost else torch.equal(before, after), field.name


def test_dropping_the_cast_is_the_unconditional_branch_of_guidance():
    rates = {name: 0.0 for name in vars(SETTINGS) if name.startswith("drop_")}
    settings = dataclasses.replace(SETTINGS, **{**rates, "drop_cast": 1.0})
    conditioning = with_somebody_reprojected()
    dropped = drop_conditions(conditioning, settings, torch.Generator())
    for field in dataclasses.fields(conditioning):
        expected = getattr(conditioning.without_cast(), field.name)
        assert torch.equal(getattr(dropped, field.name), expected), field.name


def test_samples_lose_conditions_each_by_itself():
    _, conditioning, _ = one_batch(0)
    settings = dataclasses.replace(SETTINGS, drop_background=0.5)
    generator = torch.Generator().manual_seed(0)
    kept = [
        drop_conditions(conditioning, settings, generator).background_latents.flatten(1).any(1)
        for _ in range(100)
    ]
    kept = torch.stack(kept).float()
    assert 0.35 < kept.mean() < 0.65
    assert (kept[:, 0] != kept[:, 1]).any()


def test_the_image_tower_learns_with_the_transformer():
    training = trainer()
    before = {name: value.clone() for name, value in training.networks.image_tower.state_dict().items()}
    for _ in range(12):
        training.step()
    after = training.networks.image_tower.state_dict()
    still = {name for name, value in before.items() if torch.equal(value, after[name])}
    assert not still


def test_a_given_image_tower_stays_as_it_is(tmp_path):
    clip = micro_networks().image_tower.transformer
    with torch.no_grad():
        for parameter in clip.parameters():
            parameter.add_(0.1)
    given = {f"visual.{name}": value.clone() for name, value in clip.state_dict().items()}
    safetensors.torch.save_file(given, tmp_path / "clip.safetensors")
    training = trainer(image_tower=str(tmp_path / "clip.safetensors"))
    for _ in range(3):
        training.step()
    training.export(tmp_path)
    left = safetensors.torch.load_file(tmp_path / "image_tower.safetensors")
    for name, value in given.items():
        assert torch.equal(left[name.replace("visual.", "transformer.")], value), name


def test_lora_trains_its_adapters_and_nothing_else():
    training = trainer(lora_rank=2)
    before = {name: value.clone() for name, value in training.networks.state_dict().items()}
    for _ in range(2):
        training.step()
    changed = {
        name for name, value in training.networks.state_dict().items() if not torch.equal(before[name], value)
    }
    assert changed
    assert all("lora" in name for name in changed)


@pytest.mark.parametrize("changes", [{"lora_rank": 2, "gradient_checkpointing": True}, {"precision": "bf16"}])
def test_every_kind_of_run_continues_bit_for_bit(tmp_path, changes):
    straight = trainer(**changes)
    curve = [straight.step() for _ in range(3)]
    first = trainer(**changes)
    before = [first.step() for _ in range(2)]
    Run(tmp_path).save(first.state())
    second = trainer(**changes)
    second.load(Run(tmp_path).load())
    assert [*before, second.step()] == curve
    averages = (straight.averaged().state_dict(), second.averaged().state_dict())
    assert all(torch.equal(value, averages[1][name]) for name, value in averages[0].items())


def test_the_exported_weights_of_adapters_are_a_plain_model_that_answers_as_they_do(tmp_path):
    # An average without memory is the weights themselves.
    training = trainer(lora_rank=2, ema=0.0)
    for parameter in training.networks.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.3)
    for _ in range(3):
        training.step()
    training.export(tmp_path)
    plain = micro_networks()
    before = {name: value.clone() for name, value in plain.state_dict().items()}
    for name, network in plain.named_children():
        load_weights(network, tmp_path / f"{name}.safetensors")
    assert any(not torch.equal(before[name], value) for name, value in plain.state_dict().items())
    latents, *told = one_batch(0)
    with torch.no_grad():
        adapted = training.networks(latents, torch.tensor([0.3, 0.8]), *told)
        answer = plain(latents, torch.tensor([0.3, 0.8]), *told)
    torch.testing.assert_close(answer, adapted, atol=1e-5, rtol=0)


@pytest.mark.parametrize("rank", [0, 2])
def test_a_run_starts_from_given_weights(tmp_path, rank):
    earlier = trainer()
    for _ in range(2):
        earlier.step()
    earlier.export(tmp_path)
    training = trainer(lora_rank=rank, start=str(tmp_path))
    latents, *told = one_batch(0)
    time = torch.tensor([0.3, 0.8])
    expected = earlier.averaged()(latents, time, *told)
    torch.testing.assert_close(training.networks(latents, time, *told), expected)


def test_a_background_readout_learns_on_from_a_velocitys_weights(tmp_path):
    earlier = trainer()
    earlier.step()
    earlier.export(tmp_path)
    networks = micro_networks(readout="background", identity_splat=True)
    training = DiTTrainer(dataclasses.replace(SETTINGS, start=str(tmp_path)), one_batch, networks=networks)
    for name in ("patchify.weight", "transformer_blocks.1.spatial.attention.to_q.weight"):
        assert torch.equal(networks.dit.state_dict()[name], earlier.averaged().dit.state_dict()[name])
    losses = [training.step()["loss"] for _ in range(24)]
    assert sum(losses[-4:]) < 0.9 * sum(losses[:4])
    assert networks.dit.splat.weight.any()


def test_a_run_starts_from_weights_in_parts_of_eight_bits_with_fresh_moments(tmp_path):
    earlier = trainer()
    for _ in range(2):
        earlier.step()
    for name, network in earlier.networks.named_children():
        write_weights(network.state_dict(), tmp_path / f"{name}.safetensors", 8, largest=120_000)
    assert len(weight_files(tmp_path / "dit.safetensors")) > 2
    training = trainer(start=str(tmp_path))
    assert not training.optimizer.state
    latents, *told = one_batch(0)
    time = torch.tensor([0.3, 0.8])
    expected = earlier.networks(latents, time, *told)
    assert (training.networks(latents, time, *told) - expected).std() < 0.02 * expected.std()


def test_adapters_need_weights_to_adapt():
    with pytest.raises(ModelError, match="adapters"):
        DiTTrainer(dataclasses.replace(SETTINGS, lora_rank=2), one_batch)


def test_mixed_precision_computes_in_bfloat16_and_keeps_float32():
    exact, mixed = trainer(), trainer(precision="bf16")
    seen = []
    block = mixed.networks.dit.transformer_blocks[0].spatial.attention.to_q
    block.register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    for _ in range(3):
        losses = exact.step()["loss"].item(), mixed.step()["loss"].item()
        assert losses[1] == pytest.approx(losses[0], rel=0.02)
    assert losses[1] != losses[0]
    assert set(seen) == {torch.bfloat16}
    kept = [*mixed.networks.parameters(), *mixed.ema.shadow_params]
    kept += [value for state in mixed.optimizer.state.values() for value in state.values()]
    assert {tensor.dtype for tensor in kept} == {torch.float32}


def test_gradient_checkpointing_changes_no_loss():
    plain, saving = trainer(), trainer(gradient_checkpointing=True)
    assert plain.step()["loss"].item() == pytest.approx(saving.step()["loss"].item())


def test_the_exported_weights_are_the_averaged_ones(tmp_path):
    training = trainer()
    for _ in range(3):
        training.step()
    training.export(tmp_path)
    tensors = {
        f"{part}.{name}": value
        for part in ("dit", "image_tower")
        for name, value in safetensors.torch.load_file(tmp_path / f"{part}.safetensors").items()
    }
    averaged = training.averaged().state_dict()
    assert tensors.keys() == averaged.keys()
    assert all(torch.equal(tensors[name], averaged[name]) for name in tensors)
    trained = training.networks.state_dict()
    assert any(not torch.equal(tensors[name], trained[name]) for name in tensors)
