"""Policies spare what they can without changing what comes out: exactly where nothing changes between steps,
and from any step on after a break."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file

from isa_engine.configuration.policies import EVERYTHING, EXACT, POLICIES, Policy, asked
from isa_engine.dit.background_gate import Prediction
from isa_engine.errors import Cancelled
from isa_engine.pipeline.generation import denoise
from isa_engine.pipeline.isa.conditioning import condition_shot
from isa_engine.pipeline.sampling import initial_noise, sample
from isa_engine.pipeline.velocity import velocity_of
from isa_engine.pipeline.velocity.taylorseer import TaylorSeer
from tests.pipeline.shots import MICRO, WINDOWED, make_shot, speaking
from tests.pipeline.test_resume import Kept

SHAPE = (1, 16, 2, 4, 6)
EVERY = Policy(forecast=3, points=2, guidance=2, guided=(0.1, 0.9))


@pytest.fixture(scope="module")
def conditioning(model):
    return condition_shot(make_shot(), model)


class Counted:
    """The network, counting what it is asked."""

    def __init__(self, network):
        self.network, self.told, self.nobody, self.moved = network, 0, 0, 0

    def __call__(self, latents, timestep, conditioning, points=None):
        somebody = bool(conditioning.visible.any())
        self.told, self.nobody = self.told + somebody, self.nobody + (not somebody)
        self.moved += somebody and not points
        return self.network(latents, timestep, conditioning, points)


@torch.inference_mode()
def made(network, conditioning, steps, policy=EVERYTHING, guidance=2.0):
    velocity = velocity_of(network, conditioning, guidance, steps, policy)
    return sample(velocity, initial_noise(SHAPE, 0), steps, 3.0)


@settings(deadline=None, max_examples=40)
@given(steps=st.integers(1, 40), every=st.integers(1, 8), shift=st.floats(0.5, 6))
def test_a_forecast_is_exact_where_the_velocity_is_linear_in_time(steps, every, shift):
    level, slope = initial_noise(SHAPE, 1).double(), initial_noise(SHAPE, 2).double()

    def velocity(latents, time, step):
        return level + slope * time

    noise, policy = initial_noise(SHAPE, 3).double(), Policy(forecast=every)
    truth = sample(velocity, noise, steps, shift)
    torch.testing.assert_close(sample(TaylorSeer(velocity, policy, steps, {}), noise, steps, shift), truth)


def test_a_forecast_is_not_exact_where_the_velocity_bends():
    def velocity(latents, time, step):
        return time.square() * torch.ones(SHAPE)

    noise = torch.zeros(SHAPE)
    found = sample(TaylorSeer(velocity, Policy(forecast=3), 9, {}), noise, 9, 1.0)
    assert not torch.allclose(found, sample(velocity, noise, 9, 1.0), atol=1e-3)


def test_a_difference_that_stays_is_as_good_as_asked_for_again(conditioning):
    difference, asked_for = initial_noise(SHAPE, 1), []

    def network(latents, timestep, conditions):
        asked_for.append(bool(conditions.visible.any()))
        told = latents * timestep
        return Prediction(told if asked_for[-1] else told - difference)

    every = made(network, conditioning, 9)
    all_asked, _ = asked_for.copy(), asked_for.clear()
    reused = made(network, conditioning, 9, Policy(guidance=3))
    torch.testing.assert_close(reused, every)
    assert all_asked.count(False) == 9
    assert asked_for.count(False) == 3


def test_points_that_stay_are_as_good_as_moved_again(model, conditioning):
    """Within one step nothing changes, so what was kept must give the same answer, bit for bit."""
    latents, time, points = initial_noise(SHAPE, 0), torch.tensor([0.7]), []
    with torch.inference_mode():
        whole = model.predict(latents, time, conditioning, points)
        assert torch.equal(whole.velocity, model.predict(latents, time, conditioning).velocity)
        assert torch.equal(whole.velocity, model.predict(latents, time, conditioning, points).velocity)
        # They are read: others give another answer.
        points[0] = points[0].flip(-1)
        other = model.predict(latents, time, conditioning, points).velocity
    assert not torch.allclose(whole.velocity, other, atol=1e-3)


def test_outside_its_interval_guidance_asks_nobody_and_changes_little(conditioning):
    def network(latents, timestep, conditions):
        assert conditions.visible.any()
        return Prediction(initial_noise(SHAPE, 1) - latents)

    never = made(network, conditioning, 5, Policy(guided=(0.0, 0.0)))
    torch.testing.assert_close(never, made(network, conditioning, 5, guidance=1.0))


@pytest.mark.parametrize("steps", [1, 2, 3, 8, 13])
@pytest.mark.parametrize(
    "policy", [Policy(), Policy(forecast=2), Policy(points=3), Policy(guidance=2), EVERY], ids=str
)
def test_so_much_is_asked_as_a_policy_says(model, conditioning, policy, steps):
    network = Counted(model.predict)
    made(network, conditioning, steps, policy)
    counts = asked(policy, steps)
    assert (network.told, network.moved, network.nobody) == (counts.told, counts.moved, counts.nobody)


def stop_after(step: int):
    def report(progress):
        if (progress.phase, progress.step) == ("denoise", step):
            raise Cancelled

    return report


@pytest.mark.parametrize(
    "policy",
    [Policy(forecast=3), Policy(points=3), Policy(guidance=3), Policy(guided=(0.3, 0.8)), EVERY],
    ids=str,
)
def test_under_every_policy_what_broke_off_after_any_step_ends_in_the_same_bits(
    model, monkeypatch, tmp_path, policy
):
    monkeypatch.setitem(POLICIES, "tried", policy)
    shot = make_shot(steps=7, policy="tried")
    whole = denoise(shot, "hash", model, lambda progress: None)
    for number, stops in enumerate([*((stop,) for stop in range(1, 7)), tuple(range(1, 7))]):
        kept = Kept(tmp_path / f"{number}")
        for stop in stops:
            with pytest.raises(Cancelled):
                denoise(shot, "hash", model, stop_after(stop), kept)
        assert torch.equal(denoise(shot, "hash", model, lambda progress: None, kept), whole)
        assert kept.steps == list(range(1, 8))


@pytest.mark.parametrize("stop", [1, 4, 6])
def test_in_windows_of_time_too_what_broke_off_ends_in_the_same_bits(monkeypatch, tmp_path, stop):
    monkeypatch.setitem(POLICIES, "tried", EVERY)
    windowed, shot = speaking(WINDOWED), make_shot(13, steps=7, policy="tried")
    whole = denoise(shot, "hash", windowed, lambda progress: None)
    kept = Kept(tmp_path / "latents")
    with pytest.raises(Cancelled):
        denoise(shot, "hash", windowed, stop_after(stop), kept)
    assert torch.equal(denoise(shot, "hash", windowed, lambda progress: None, kept), whole)
    assert not torch.equal(denoise(shot, "hash", speaking(MICRO), lambda progress: None), whole)


def test_a_checkpoint_has_what_points_were_moved_at_and_not_the_points(model, monkeypatch, tmp_path):
    monkeypatch.setitem(POLICIES, "tried", Policy(points=3))
    kept, shot = Kept(tmp_path / "latents"), make_shot(steps=7, policy="tried")
    with pytest.raises(Cancelled):
        denoise(shot, "hash", model, stop_after(2), kept)
    stored = load_file(kept.path)
    assert stored["memory.points.latents"].shape == stored["0"].shape
    assert sum(tensor.numel() for tensor in stored.values()) < 3 * stored["0"].numel()


def test_policies_give_other_videos_than_the_exact_one(model):
    shots = (make_shot(steps=9, policy=policy) for policy in POLICIES)
    found = [denoise(shot, "hash", model, lambda progress: None) for shot in shots]
    assert next(iter(POLICIES)) == EXACT
    for one, other in itertools.combinations(found, 2):
        assert not torch.equal(one, other)
