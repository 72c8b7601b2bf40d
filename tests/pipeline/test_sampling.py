"""Denoising follows the flow from noise to the video, whatever the number of steps."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_engine.dit.background_gate import Prediction
from isa_engine.errors import Cancelled
from isa_engine.pipeline.isa.conditioning import condition_shot
from isa_engine.pipeline.sampling import initial_noise, sample
from isa_engine.pipeline.velocity import velocity_of
from tests.pipeline.shots import make_shot

SHAPE = (1, 8, 2, 4, 8)


@pytest.fixture(scope="module")
def conditioning(model):
    return condition_shot(make_shot(), model)


def made(network, conditioning, noise, steps, guidance=1.0, shift=1.0):
    return sample(velocity_of(network, conditioning, guidance), noise, steps, shift)


@settings(deadline=None, max_examples=40)
@given(steps=st.integers(1, 60), shift=st.floats(0.5, 6), seed=st.integers(0, 2**32 - 1))
def test_a_perfect_network_recovers_the_video_in_any_number_of_steps(conditioning, steps, shift, seed):
    video, noise = initial_noise(SHAPE, 1), initial_noise(SHAPE, seed)
    estimates = []

    def network(latents, timestep, _):
        # What a network that knows the video would see at x_t = (1 − t) x0 + t ε.
        t = timestep.reshape(-1, 1, 1, 1, 1)
        torch.testing.assert_close(latents, (1 - t) * video + t * noise, atol=1e-4, rtol=0)
        return Prediction(video - noise)

    def watch(step, latents, estimate):
        estimates.append(estimate)

    found = sample(velocity_of(network, conditioning, 1.0), noise, steps, shift, watch)
    torch.testing.assert_close(found, video, atol=1e-4, rtol=0)
    assert len(estimates) == steps
    for estimate in estimates:
        torch.testing.assert_close(estimate, video, atol=1e-4, rtol=0)


def test_time_runs_down_from_pure_noise_and_larger_shifts_stay_longer_in_it(conditioning):
    def times(shift: float) -> list[float]:
        seen = []

        def network(latents, timestep, _):
            seen.append(float(timestep))
            return Prediction(torch.zeros_like(latents))

        made(network, conditioning, initial_noise(SHAPE, 0), 5, 1.0, shift=shift)
        return seen

    even, shifted = times(1.0), times(3.0)
    assert even == pytest.approx([1, 0.8, 0.6, 0.4, 0.2])
    assert shifted[0] == 1
    assert all(late > early for late, early in zip(shifted[1:], even[1:], strict=True))


@pytest.fixture
def two_minds():
    """A video that the network makes of a cast, one that it makes of nobody, and the network."""
    told, nobody = initial_noise(SHAPE, 1) * 0.5 + 1, initial_noise(SHAPE, 2) - 1

    def network(latents, timestep, condition):
        video = told if condition.visible.any() else nobody
        return Prediction((video - latents) / timestep.reshape(-1, 1, 1, 1, 1))

    return told, nobody, network


@pytest.mark.parametrize("guidance", [0.0, 1.5, 7.5])
def test_guidance_goes_beyond_the_conditional_branch(conditioning, two_minds, guidance):
    told, nobody, network = two_minds
    found = made(network, conditioning, initial_noise(SHAPE, 0), 4, guidance)
    torch.testing.assert_close(found, nobody + guidance * (told - nobody), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("guidance", [1.0, 2.5])
def test_a_gate_leaves_what_is_known_where_it_is_shut_and_the_guided_picture_where_it_is_open(
    conditioning, two_minds, guidance
):
    """The background, and the cast reprojected before it."""
    _, _, network = two_minds
    background, known = initial_noise(SHAPE, 3), initial_noise(SHAPE, 3)
    known[..., 5:7] += 1
    gate = torch.zeros(1, 1, *SHAPE[2:])
    gate[..., :5] = 1
    given = {"background_latents": background, "reprojected_latents": known}
    seen = replace(conditioning, **{**fitting(conditioning, SHAPE), **given})

    def gated(*given):
        return network(*given)._replace(gate=gate)

    free, found = (made(of, seen, initial_noise(SHAPE, 0), 4, guidance) for of in (network, gated))
    torch.testing.assert_close(found[..., :5], free[..., :5])
    torch.testing.assert_close(found[..., 5:], known[..., 5:])
    assert not torch.allclose(free[..., 5:], known[..., 5:], atol=0.1)


def test_without_a_background_a_gate_does_nothing(conditioning, two_minds):
    _, _, network = two_minds
    nothing = replace(conditioning, **fitting(conditioning, SHAPE))

    def shut(*given):
        return network(*given)._replace(gate=torch.zeros(1, 1, *SHAPE[2:]))

    free, found = (made(of, nothing, initial_noise(SHAPE, 0), 4, 2.5) for of in (network, shut))
    torch.testing.assert_close(found, free)


def fitting(conditioning, shape):
    """Conditions of other sizes for latents of this shape."""
    _, channels, latents, height, width = shape
    return {
        "identity": conditioning.identity[..., :channels],
        "reference_latents": torch.zeros(1, channels, height, width),
        "background_latents": torch.zeros(shape),
        "reprojected_latents": torch.zeros(shape),
        "cameras": torch.zeros(1, latents, 24, height // 2, width // 2),
        "normal_maps": None,
    }


def test_guidance_one_asks_the_conditional_branch_alone(conditioning):
    asked = []

    def network(latents, _, condition):
        asked.append(condition)
        return Prediction(torch.zeros_like(latents))

    made(network, conditioning, initial_noise(SHAPE, 0), 3)
    assert asked == [conditioning] * 3


def test_the_branch_without_cast_keeps_camera_and_background(conditioning):
    nobody = []

    def network(latents, _, condition):
        if not condition.visible.any():
            nobody.append(condition)
        return Prediction(torch.zeros_like(latents))

    made(network, conditioning, initial_noise(SHAPE, 0), 1, 2.0)
    assert not nobody[0].identity_known.any()
    assert not nobody[0].image_known.any()
    assert torch.equal(nobody[0].cameras, conditioning.cameras)
    assert torch.equal(nobody[0].background_latents, conditioning.background_latents)


def test_the_branch_without_cast_is_cheaper_and_not_another(model, conditioning):
    asked = []

    def network(latents, timestep, condition):
        asked.append((latents, timestep, condition))
        return Prediction(torch.zeros_like(latents))

    shape = (1, 16, 2, 4, 6)
    made(network, conditioning, initial_noise(shape, 0), 1, 2.0)
    latents, timestep, nobody = asked[1]
    assert nobody.points.shape[2] == nobody.image_tokens.shape[1] == 0
    with torch.inference_mode():
        found = model.dit(latents, timestep, nobody)
        torch.testing.assert_close(found, model.dit(latents, timestep, conditioning.without_cast()))
        assert not torch.allclose(found, model.dit(latents, timestep, conditioning), atol=1e-3)


def test_half_precision_networks_leave_the_latents_in_single(conditioning):
    def network(latents, *_):
        return Prediction(latents.bfloat16())

    assert made(network, conditioning, initial_noise(SHAPE, 0), 3, 2.0).dtype == torch.float32


def test_noise_depends_on_its_seed_alone():
    torch.manual_seed(1)
    first = initial_noise(SHAPE, 5)
    torch.manual_seed(2)
    assert torch.equal(first, initial_noise(SHAPE, 5))
    assert not torch.equal(first, initial_noise(SHAPE, 6))


def test_a_temperature_scales_noise():
    torch.testing.assert_close(initial_noise(SHAPE, 5, 0.7), 0.7 * initial_noise(SHAPE, 5), rtol=0, atol=0)


def test_cancelling_stops_before_the_next_step(conditioning):
    calls = []

    def network(latents, *_):
        calls.append(1)
        return Prediction(torch.zeros_like(latents))

    def watch(step, latents, estimate):
        if step == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        sample(velocity_of(network, conditioning, 1.0), initial_noise(SHAPE, 0), 9, 1.0, watch)
    assert len(calls) == 2
