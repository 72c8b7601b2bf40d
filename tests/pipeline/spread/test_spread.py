"""A take on several devices is that of one bit for bit; a device that fails costs a step and not the take."""

import dataclasses
import signal
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from isa_engine.configuration.policies import POLICIES, SPARING
from isa_engine.cost.generation import Work
from isa_engine.cost.sharing import shared_step
from isa_engine.dit.background_gate import BackgroundGate, somebody
from isa_engine.geometry.temporal_windows import TemporalWindows, shares
from isa_engine.pipeline.generation import denoise
from isa_engine.pipeline.isa import painter
from isa_engine.pipeline.isa.conditioning import condition_shot
from isa_engine.pipeline.sampling import initial_noise, sample
from isa_engine.pipeline.spread import shared_evaluation
from isa_engine.pipeline.spread.devices import Device
from isa_engine.pipeline.spread.mail import LocalMailbox
from isa_engine.pipeline.spread.shared_evaluation import Spread
from isa_engine.pipeline.velocity import velocity_of
from tests.pipeline.shots import MICRO, footage, make_shot, speaking
from tests.pipeline.spread.gloo_worker import second_process

# Of six steps Final's policy asks the first two and the last.
FRAMES, STEPS = 41, 6
CONFIG = dataclasses.replace(
    MICRO, dit=dataclasses.replace(MICRO.dit, temporal_window=3, temporal_stride=2, temporal_anchor=1)
)


@given(st.integers(2, 90), st.integers(1, 9), st.integers(1, 9), st.integers(0, 2), st.integers(1, 9))
def test_every_window_is_dealt_to_one_worker_and_reaches_into_the_next_ones_latents_only(
    total, window, stride, anchor, workers
):
    if window >= total or stride > window or anchor > window:
        return
    windows = TemporalWindows(total, window, stride, anchor)
    dealt = shares(windows, workers)
    assert 1 <= len(dealt) <= workers
    assert [start for share in dealt for start in share.starts] == windows.starts
    assert [share.first for share in dealt] == [0, *(share.last for share in dealt[:-1])]
    assert dealt[-1].last == total
    for number, share in enumerate(dealt):
        begun = {latent for start in share.starts for latent in range(start, start + window)}
        after = dealt[number + 1].last if number + 1 < len(dealt) else total
        assert begun <= set(range(share.first, after))
    counts = [len(share.starts) for share in dealt]
    assert max(counts) - min(counts) <= 1


def told(model):
    conditioning = condition_shot(make_shot(FRAMES, steps=STEPS), model)
    return conditioning, initial_noise(tuple(conditioning.background_latents.shape), 3)


@pytest.fixture(scope="module")
def model():
    return speaking(CONFIG)


@pytest.fixture(scope="module")
def given_noise(model):
    return told(model)


def over(models) -> Spread:
    """A model on several devices."""
    first, *others = models
    return Spread(first, [Device(other) for other in others])


def made(network, conditioning, noise, policy="exact", watch=lambda *_: None) -> torch.Tensor:
    velocity = velocity_of(network, conditioning, 2.0, STEPS, POLICIES[policy], {})
    return sample(velocity, noise, STEPS, 1.0, watch)


@pytest.mark.parametrize("workers", [1, 2, 3, 5])
@pytest.mark.parametrize("policy", ["exact", SPARING])
def test_any_number_of_devices_makes_the_same_take(model, given_noise, workers, policy):
    alone = made(model.predict, *given_noise, policy)
    spread = over([model] * workers)
    assert torch.equal(made(spread, *given_noise, policy), alone)
    assert len(spread.workers) == workers


def test_a_take_of_a_model_on_two_devices_is_that_of_one(model):
    shot = make_shot(FRAMES, steps=STEPS, policy=SPARING)
    alone, shared = (
        denoise(shot, "hash", each, lambda progress: None)
        for each in (model, dataclasses.replace(model, others=(Device(model),)))
    )
    assert torch.equal(shared, alone)


def test_devices_are_named_one_after_the_other(monkeypatch):
    monkeypatch.setattr(painter, "build_model", lambda config, folder, device, **_: replaced[device])
    # There is no GPU here to be asked for its memory.
    monkeypatch.setattr(painter, "device_of", torch.device)
    monkeypatch.setattr(painter, "fastest", lambda *_: None)
    replaced = {name: dataclasses.replace(speaking(CONFIG), weights=name) for name in ("cuda:0", "cuda:1")}
    loaded = painter.load("isa-tiny", "cuda:0+cuda:1")
    assert (loaded.weights, [other.model.weights for other in loaded.others]) == ("cuda:0", ["cuda:1"])
    assert painter.load("isa-tiny", "cuda:1").others == ()


def test_a_model_without_points_is_shared_as_well(given_noise):
    dit = dataclasses.replace(CONFIG.dit, conditioning="controlnet-2d", points=18)
    model = speaking(dataclasses.replace(CONFIG, name="micro-controlnet-2d", dit=dit))
    conditioning, noise = told(model)
    alone = made(model.predict, conditioning, noise)
    assert torch.equal(made(over([model] * 2), conditioning, noise), alone)


def test_a_model_with_a_gate_is_shared_as_well(model):
    """Each worker gates its own latents, and knows who is reprojected in them."""
    torch.manual_seed(0)
    gate = BackgroundGate(width=CONFIG.dit.width, patch=CONFIG.dit.patch)
    torch.nn.init.normal_(gate.linear.weight, std=0.3)
    gated = dataclasses.replace(model, gate=gate.requires_grad_(False))
    shot = dataclasses.replace(make_shot(FRAMES, steps=STEPS), background=footage(FRAMES))
    conditioning = condition_shot(shot, gated)
    assert somebody(conditioning).any()
    noise = initial_noise(tuple(conditioning.background_latents.shape), 3)
    alone = made(gated.predict, conditioning, noise)
    assert torch.equal(made(over([gated] * 3), conditioning, noise), alone)
    assert not torch.equal(made(model.predict, conditioning, noise), alone)


class Counted(LocalMailbox):
    """Counts the bytes that each worker takes, and how often."""

    def __init__(self):
        super().__init__()
        self.received, self.waits = Counter(), Counter()

    def take(self, worker: int, call: int) -> torch.Tensor:
        tokens = super().take(worker, call)
        self.received[worker] += tokens.numel() * tokens.element_size()
        self.waits[worker] += 1
        return tokens


@pytest.mark.parametrize("guidance", [1.0, 2.0])
def test_what_workers_send_each_other_is_what_the_cost_model_says(model, given_noise, guidance, monkeypatch):
    conditioning, noise = given_noise
    found: list[Counted] = []

    def counted() -> Counted:
        found.append(Counted())
        return found[-1]

    monkeypatch.setattr(shared_evaluation, "LocalMailbox", counted)
    velocity_of(over([model] * 3), conditioning, guidance)(noise, torch.tensor(1.0), 0)
    shot = make_shot(FRAMES)
    size = shot.settings.width, shot.settings.height
    parts = shared_step(CONFIG, Work(FRAMES, *size, len(shot.characters), 1, guidance), 3)
    assert [part.received for part in parts] == [sum(each.received[k] for each in found) for k in range(3)]
    assert [part.waits for part in parts] == [sum(each.waits[k] for each in found) for k in range(3)]


def failing(model, at: int):
    """A model like this one, whose device is gone from its n-th evaluation on."""
    broken, asked = dataclasses.replace(model), []

    def while_it_lasts(predict):
        def asking(*told):
            asked.append(told)
            if len(asked) > at:
                raise RuntimeError("CUDA error: device is gone")
            return predict(*told)

        return asking

    for name in ("predict", "predict_share"):
        object.__setattr__(broken, name, while_it_lasts(getattr(model, name)))
    return broken


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("policy", ["exact", SPARING])
def test_a_device_that_fails_costs_the_evaluation_that_it_was_in(model, given_noise, place, policy):
    devices = [model] * 3
    devices[place] = failing(model, 2)
    spread, steps = over(devices), []
    found = made(spread, *given_noise, policy, lambda done, *_: steps.append(done))
    assert steps == list(range(1, STEPS + 1))
    assert [worker.model for worker in spread.workers] == [model] * 2
    alone = made(model.predict, *given_noise, policy)
    assert torch.equal(found, alone)


def test_what_no_device_can_do_is_the_takes_failure(model, given_noise):
    with pytest.raises(RuntimeError, match="device is gone"):
        made(over([failing(model, 0), failing(model, 2)]), *given_noise)


def small_model():
    return speaking(CONFIG)


# The third evaluation reads points that the first one moved: whoever is left moves them once more. On a busy
# machine the other process may take long to begin; one that hangs is waited for in vain.
@pytest.mark.parametrize(("fate", "patience"), [(None, 250), (signal.SIGKILL, 250), (signal.SIGSTOP, 20)])
def test_two_processes_make_the_same_take_and_one_goes_on_where_the_other_is_lost(
    model, given_noise, fate, patience
):
    alone = made(model.predict, *given_noise, SPARING)
    with second_process(small_model, patience, fate) as other:
        spread = Spread(model, [other])
        found = made(spread, *given_noise, SPARING)
    assert torch.equal(found, alone)
    assert len(spread.workers) == (2 if fate is None else 1)
