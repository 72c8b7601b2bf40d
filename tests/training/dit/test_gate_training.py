"""The gate learns to let through what a finished transformer paints rightly, shadows among it."""

import dataclasses

import pytest
import torch

from isa_engine.dit import Conditioning
from isa_engine.dit.background_gate import BackgroundGate
from isa_engine.dit.readout import velocity_towards
from isa_engine.networks.weight_files import load_weights
from isa_engine.pipeline.isa.model import build_model
from isa_engine.training.configuration import GateTraining
from isa_engine.training.dit.gate import GateTrainer
from tests.pipeline.shots import MICRO
from tests.training.micro import one_batch

SETTINGS = GateTraining(steps=25, learning_rate=0.1, ground_weight=1.0, shadow_weight=1.0)
GATED = dataclasses.replace(MICRO, name="micro-gated", gate=True)


@pytest.fixture(scope="module")
def model():
    return build_model(GATED, None, "cpu")


def scene(seed: int) -> tuple[torch.Tensor, Conditioning, torch.Tensor]:
    """A background that a shadow darkens on its left; points are on its right. All seeds give the same."""
    latents, conditioning, _ = one_batch(0)
    latents = conditioning.background_latents.clone()
    latents[..., :2] -= 0.5
    right = torch.full_like(conditioning.ndc, 0.9)
    tokens = torch.zeros(2, 5, 32)
    conditioning = dataclasses.replace(
        conditioning,
        ndc=right,
        visible=torch.ones_like(conditioning.visible),
        image_tokens=tokens,
        image_known=torch.zeros(2, 5, dtype=torch.bool),
        normal_maps=None,
    )
    return latents, conditioning, torch.zeros(2, 1, 3, 32, 32)


class Painter:
    """A transformer that paints the shadow, faint grain where there is none, and knows which is which."""

    def __init__(self, shadow: float, grain: float):
        self.shadow, self.grain = shadow, grain

    def predict(self, noisy, time, conditioning):
        """Each token is a column: the left one shadowed."""
        estimate = conditioning.background_latents.clone()
        estimate[..., :2] -= self.shadow
        estimate[..., 2:] += self.grain
        tokens = torch.zeros(*noisy.shape[:1], 2, 2, 2, 32)
        tokens[:, :, :, 0] = 1
        return velocity_towards(estimate, noisy, time.clamp_min(0.05)), tokens


def trained(model, painter: Painter, **changes) -> tuple[GateTrainer, list[dict[str, float]]]:
    training = GateTrainer(dataclasses.replace(SETTINGS, **changes), scene, model)
    training.networks = Networks(painter)
    curve = []
    while not training.finished:
        curve.append(training.step())
    return training, curve


@dataclasses.dataclass
class Networks:
    dit: Painter

    def seeing(self, conditioning, pictures):
        return conditioning


def opened(training: GateTrainer) -> torch.Tensor:
    """How open the gate is where the shadow lies, and where nothing does."""
    tokens = torch.zeros(1, 1, 1, 2, 32)
    tokens[:, :, :, 0] = 1
    with torch.no_grad():
        return training.gate(tokens, torch.tensor([0.6]))[0, 0, 0, 0, ::2]


def test_grain_is_shut_out_and_a_shadow_let_through(model):
    training, curve = trained(model, Painter(shadow=0.45, grain=0.3))
    assert curve[-1]["loss"] < 0.3 * curve[-1]["without"]
    shadow, nothing = opened(training).tolist()
    assert shadow > 0.85
    assert nothing < 0.2


@pytest.mark.parametrize("weight", [1.0, 20.0])
def test_where_the_network_cannot_tell_them_apart_the_weight_of_shadows_decides(model, weight):
    class Blind(Painter):
        def predict(self, *given):
            velocity, tokens = super().predict(*given)
            return velocity, torch.zeros_like(tokens)

    training, _ = trained(model, Blind(shadow=0.5, grain=0.5), shadow_weight=weight)
    assert (opened(training).mean() > 0.7) == (weight > 1)


def test_an_interrupted_run_continues_bit_for_bit(model, tmp_path):
    settings = dataclasses.replace(SETTINGS, steps=6)
    straight = GateTrainer(settings, scene, model)
    curve = [straight.step() for _ in range(6)]
    first = GateTrainer(settings, scene, model)
    before = [first.step() for _ in range(3)]
    torch.save(first.state(), tmp_path / "state")
    second = GateTrainer(settings, scene, model)
    second.load(torch.load(tmp_path / "state", weights_only=True))
    assert before + [second.step() for _ in range(3)] == curve
    second.export(tmp_path)
    gate = BackgroundGate(width=32, patch=2)
    load_weights(gate, tmp_path / "gate.safetensors")
    assert torch.equal(gate.linear.weight, straight.gate.linear.weight)


def test_the_transformer_stays_as_it_is(model):
    before = {name: tensor.clone() for name, tensor in model.dit.state_dict().items()}
    GateTrainer(SETTINGS, scene, model).step()
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.dit.state_dict().items())
