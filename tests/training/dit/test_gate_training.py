"""The gate learns to let through what a finished transformer paints more rightly than what is known, shadows
among it, and to shut the rest out."""

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

    def __call__(self, *given):
        return self.predict(*given)[0]

    def predict(self, noisy, time, conditioning):
        """Each token is a column: the left one shadowed."""
        estimate = conditioning.background_latents.clone()
        estimate[..., :2] -= self.shadow
        estimate[..., 2:] += self.grain
        tokens = torch.zeros(*noisy.shape[:1], 2, 2, 2, 32)
        tokens[:, :, :, 0] = 1
        return velocity_towards(estimate, noisy, time.clamp_min(0.05)), tokens


class Blind(Painter):
    """The same, to whom all tokens are alike."""

    def predict(self, *given):
        velocity, tokens = super().predict(*given)
        return velocity, torch.zeros_like(tokens)


def trained(model, painter: Painter, batches=scene, **changes) -> tuple[GateTrainer, list[dict[str, float]]]:
    training = GateTrainer(dataclasses.replace(SETTINGS, **changes), batches, model)
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


def opened(training: GateTrainer, told: float = 1.0, known: float = 0.0) -> torch.Tensor:
    """How open the gate is on the left, where the shadow lies, and on the right.

    Args:
        told: the left one's token; the other's is 0.
        known: whether somebody is reprojected on the right.
    """
    tokens, somebody = torch.zeros(1, 1, 1, 2, 32), torch.zeros(1, 1, 1, 2, 4)
    tokens[:, :, :, 0], somebody[..., 2:] = told, known
    with torch.no_grad():
        return training.gate(tokens, torch.tensor([0.6]), somebody)[0, 0, 0, 0, ::2]


def test_grain_is_shut_out_and_a_shadow_let_through(model):
    training, curve = trained(model, Painter(shadow=0.45, grain=0.3))
    assert curve[-1]["loss"] < 0.3 * curve[-1]["without"]
    shadow, nothing = opened(training).tolist()
    assert shadow > 0.85
    assert nothing < 0.2


def reprojected(there: float, shown: float):
    """Batches of the scene with somebody on the right.

    Args:
        there: how the latents of whoever is there differ from the background's.
        shown: the same of whoever is reprojected.
    """

    def batches(seed: int) -> tuple[torch.Tensor, Conditioning, torch.Tensor]:
        latents, conditioning, pictures = scene(seed)
        known = conditioning.background_latents.clone()
        known[..., 2:] += shown
        latents[..., 2:] += there
        return latents, dataclasses.replace(conditioning, reprojected_latents=known), pictures

    return batches


def test_whoever_is_reprojected_rightly_stays_so_while_the_shadow_beside_is_the_transformers(model):
    """To whom all tokens are alike, and who paints somebody else."""
    training, curve = trained(model, Blind(shadow=0.45, grain=0.6), reprojected(there=1.0, shown=1.0))
    assert curve[-1]["loss"] < 0.3 * curve[-1]["without"]
    shadow, somebody = opened(training, told=0, known=1).tolist()
    assert shadow > 0.85
    assert somebody < 0.15


def test_where_whoever_is_reprojected_is_wrong_the_transformer_is_trusted(model):
    training, curve = trained(model, Blind(shadow=0.45, grain=0.9), reprojected(there=1.0, shown=-1.0))
    assert opened(training, told=0, known=1).min() > 0.85
    assert curve[-1]["loss"] < 0.05


def test_the_transformer_is_never_shown_what_it_should_paint(model):
    """Noisy renders would show it, while the noisy pictures of sampling are its own."""

    class Watched(Painter):
        def __init__(self):
            super().__init__(shadow=0.45, grain=0.3)
            self.shown = []

        def predict(self, noisy, *given):
            self.shown.append(noisy.clone())
            return super().predict(noisy, *given)

    painters = Watched(), Watched()
    for painter, there in zip(painters, (1.0, -2.0), strict=True):
        trained(model, painter, reprojected(there, shown=1.0), steps=2)
    first, second = (painter.shown for painter in painters)
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize("weight", [1.0, 20.0])
def test_where_the_network_cannot_tell_them_apart_the_weight_of_shadows_decides(model, weight):
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
