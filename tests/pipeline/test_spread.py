"""A step on several devices is the step on one; a device that fails costs a step and not the take."""

import dataclasses
import multiprocessing
import os
import signal
import socket
from collections import Counter
from datetime import timedelta

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from isa_engine.configuration.policies import FORECAST, POLICIES
from isa_engine.cost.generation import Work
from isa_engine.cost.sharing import shared_step
from isa_engine.geometry.temporal_windows import TemporalWindows, shares
from isa_engine.pipeline import isa
from isa_engine.pipeline.conditioning import condition_shot
from isa_engine.pipeline.generation import denoise
from isa_engine.pipeline.sampling import initial_noise, sample
from isa_engine.pipeline.spread import shared_evaluation
from isa_engine.pipeline.spread.devices import Device
from isa_engine.pipeline.spread.mail import LocalMailbox
from isa_engine.pipeline.spread.shared_evaluation import Spread
from isa_engine.pipeline.velocity import velocity_of
from tests.pipeline.shots import MICRO, make_shot, speaking

FRAMES, STEPS = 41, 4
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
@pytest.mark.parametrize("policy", ["exact", FORECAST])
def test_any_number_of_devices_makes_the_same_take(model, given_noise, workers, policy):
    alone = made(model.predict, *given_noise, policy)
    spread = over([model] * workers)
    torch.testing.assert_close(made(spread, *given_noise, policy), alone, atol=1e-5, rtol=1e-5)
    assert len(spread.workers) == workers


def test_a_take_of_a_model_on_two_devices_is_that_of_one(model):
    shot = make_shot(FRAMES, steps=STEPS, policy=FORECAST)
    alone, shared = (
        denoise(shot, "hash", each, lambda progress: None)
        for each in (model, dataclasses.replace(model, others=(Device(model),)))
    )
    torch.testing.assert_close(shared, alone, atol=1e-5, rtol=1e-5)


def test_devices_are_named_one_after_the_other(monkeypatch):
    monkeypatch.setattr(isa, "build_model", lambda config, folder, device: replaced[device])
    replaced = {name: dataclasses.replace(speaking(CONFIG), weights=name) for name in ("cuda:0", "cuda:1")}
    loaded = isa.load("isa-tiny", "cuda:0+cuda:1")
    assert (loaded.weights, [other.model.weights for other in loaded.others]) == ("cuda:0", ["cuda:1"])
    assert isa.load("isa-tiny", "cuda:1").others == ()


def test_a_model_without_points_is_shared_as_well(given_noise):
    dit = dataclasses.replace(CONFIG.dit, conditioning="controlnet-2d", points=18)
    model = speaking(dataclasses.replace(CONFIG, name="micro-controlnet-2d", dit=dit))
    conditioning, noise = told(model)
    alone = made(model.predict, conditioning, noise)
    torch.testing.assert_close(made(over([model] * 2), conditioning, noise), alone, atol=1e-5, rtol=1e-5)


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
@pytest.mark.parametrize("policy", ["exact", FORECAST])
def test_a_device_that_fails_costs_the_evaluation_that_it_was_in(model, given_noise, place, policy):
    devices = [model] * 3
    devices[place] = failing(model, 2)
    spread, steps = over(devices), []
    found = made(spread, *given_noise, policy, lambda done, *_: steps.append(done))
    assert steps == list(range(1, STEPS + 1))
    assert [worker.model for worker in spread.workers] == [model] * 2
    alone = made(model.predict, *given_noise, policy)
    torch.testing.assert_close(found, alone, atol=1e-5, rtol=1e-5)


def test_what_no_device_can_do_is_the_takes_failure(model, given_noise):
    with pytest.raises(RuntimeError, match="device is gone"):
        made(over([failing(model, 0), failing(model, 2)]), *given_noise)


def process(rank: int, port: int, fate: str, path: str) -> None:
    """One of two that denoise the same take; in its fourth evaluation the second may die or hang."""
    import torch.distributed as dist

    from isa_engine.pipeline.spread.processes import SpreadOverProcesses

    torch.set_num_threads(1)
    # On a busy machine the other may take long to begin; while it works each layer is a beat.
    patience = timedelta(seconds=8 if fate == "hangs" else 250)
    address = f"tcp://127.0.0.1:{port}"
    dist.init_process_group("gloo", init_method=address, rank=rank, world_size=2, timeout=patience)
    model = speaking(CONFIG)
    network, asked = SpreadOverProcesses(model), []

    def counted(*told):
        asked.append(told)
        if rank == 1 and len(asked) == 4 and fate != "works":
            os.kill(os.getpid(), signal.SIGKILL if fate == "dies" else signal.SIGSTOP)
        return network(*told)

    found = made(counted, *told(model))
    torch.save({"latents": found, "alone": network.alone}, f"{path}/{rank}")
    os._exit(0)


@pytest.mark.parametrize("fate", ["works", "dies", "hangs"])
def test_two_processes_make_the_same_take_and_one_goes_on_where_the_other_is_lost(
    model, given_noise, tmp_path, fate
):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    ours = [context.Process(target=process, args=(rank, port, fate, str(tmp_path))) for rank in range(2)]
    for each in ours:
        each.start()
    ours[0].join(250)
    if fate == "hangs":
        ours[1].kill()
    ours[1].join(250)
    assert [each.exitcode for each in ours] == [0, 0 if fate == "works" else -signal.SIGKILL]
    alone = made(model.predict, *given_noise)
    for rank in range(2 if fate == "works" else 1):
        found = torch.load(tmp_path / str(rank), weights_only=True)
        assert found["alone"] is (fate != "works")
        torch.testing.assert_close(found["latents"], alone, atol=1e-5, rtol=1e-5)
