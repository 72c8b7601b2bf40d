"""Whatever the last tokens are, the transformer gives a velocity; and one trunk serves every readout."""

from dataclasses import replace

import pytest
import safetensors.torch
import torch

from isa_engine.dit.isa_dit import OWN_OF_A_READOUT
from isa_engine.dit.readout import velocity_towards
from isa_engine.errors import ModelError
from isa_engine.networks.weight_files import load_weights
from tests.dit.small_models import SMALL, inputs, moved, transformer


@pytest.fixture(autouse=True)
def _no_grad():
    with torch.no_grad():
        yield


def estimate(model, x, time, conditioning):
    return x + time.view(-1, 1, 1, 1, 1) * model(x, time, conditioning)


def test_a_fresh_background_readout_paints_the_background_and_nothing_else():
    x, time, conditioning = inputs()
    fresh = transformer(speaking=False, readout="background")
    time = time.clamp_min(0.1)
    torch.testing.assert_close(estimate(fresh, x, time, conditioning), conditioning.background_latents)
    trained = transformer(readout="background")
    assert not torch.allclose(estimate(trained, x, time, conditioning), conditioning.background_latents)


def test_the_velocity_of_an_estimate_leads_from_noise_to_it():
    video, noise = torch.randn(2, 3, 4, 2, 2, 2)
    time = torch.tensor([0.05, 1.0, 0.4])
    t = time.view(-1, 1, 1, 1, 1)
    found = velocity_towards(video, (1 - t) * video + t * noise, time)
    torch.testing.assert_close(found, video - noise, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("time", [0.0, 1e-6, 0.01])
def test_at_the_end_of_time_a_velocity_is_finite_and_never_leads_beyond_the_estimate(time):
    video, latents = torch.randn(2, 1, 4, 2, 2, 2)
    moment = torch.tensor([time])
    reached = latents + time * velocity_towards(video, latents, moment)
    assert reached.isfinite().all()
    assert ((reached - latents).abs() <= (video - latents).abs() + 1e-6).all()


@pytest.mark.parametrize("patch", [1, 2])
@pytest.mark.parametrize(
    "changes", [{"readout": "background"}, {"identity_splat": True}, {"reprojection": True}]
)
def test_every_readout_has_the_interface_of_the_papers(patch, changes):
    model = transformer(patch=patch, **changes)
    x, time, conditioning = inputs(replace(SMALL, patch=patch))
    velocity, tokens = model.predict(x, time, conditioning)
    assert velocity.shape == x.shape
    assert torch.equal(velocity, model(x, time, conditioning))
    assert tokens.shape == (*x.shape[:1], x.shape[2], x.shape[3] // patch, x.shape[4] // patch, 48)


def test_the_splat_tells_identities_that_nothing_else_does():
    model = transformer(identity_splat=True)
    silenced = transformer()
    load_weights_of(model, silenced)
    x, time, conditioning = inputs()
    torch.nn.init.zeros_(model.splat.weight)
    torch.testing.assert_close(model(x, time, conditioning), silenced(x, time, conditioning))
    torch.nn.init.normal_(model.splat.weight, std=0.3)
    assert not torch.allclose(model(x, time, conditioning), silenced(x, time, conditioning), atol=1e-3)


def test_without_cast_the_splat_is_silent():
    model = transformer(identity_splat=True)
    x, time, conditioning = inputs()
    nobody = conditioning.without_cast()
    other = moved(nobody, "identity", ...)
    torch.testing.assert_close(model(x, time, nobody), model(x, time, other))


def test_whoever_is_reprojected_is_to_the_transformer_in_the_background():
    model, papers = transformer(reprojection=True), transformer()
    papers.load_state_dict(model.state_dict())
    x, time, conditioning = inputs()
    known = conditioning.background_latents.clone()
    known[..., 0, 0] += 1.0
    somebody = replace(conditioning, reprojected_latents=known)
    in_the_background = replace(conditioning, background_latents=known)
    assert torch.equal(model(x, time, somebody), papers(x, time, in_the_background))
    assert torch.equal(papers(x, time, somebody), papers(x, time, conditioning))
    assert torch.equal(model(x, time, conditioning), papers(x, time, conditioning))


def test_without_cast_nobody_is_reprojected():
    model = transformer(reprojection=True)
    x, time, conditioning = inputs()
    somebody = replace(conditioning, reprojected_latents=torch.randn_like(conditioning.background_latents))
    torch.testing.assert_close(
        model(x, time, somebody.without_cast()), model(x, time, conditioning.without_cast())
    )


def test_a_velocitys_weights_start_the_trunk_of_a_background_readout(tmp_path):
    velocity = transformer()
    path = tmp_path / "dit.safetensors"
    safetensors.torch.save_file(velocity.state_dict(), path)
    other = transformer(speaking=False, readout="background", identity_splat=True)
    load_weights(other, path, fresh=OWN_OF_A_READOUT)
    for name, tensor in velocity.state_dict().items():
        if not name.startswith("unpatchify"):
            assert torch.equal(other.state_dict()[name], tensor), name
    x, time, conditioning = inputs()
    time = time.clamp_min(0.1)
    torch.testing.assert_close(estimate(other, x, time, conditioning), conditioning.background_latents)
    torch.testing.assert_close(
        other.predict(x, time, conditioning)[1], velocity.predict(x, time, conditioning)[1]
    )


def test_for_generation_the_weights_of_another_readout_do_not_fit(tmp_path):
    path = tmp_path / "dit.safetensors"
    safetensors.torch.save_file(transformer().state_dict(), path)
    with pytest.raises(ModelError, match=r"difference\.bias' is missing"):
        load_weights(transformer(readout="background"), path)


def test_an_unknown_readout_is_named_with_those_there_are():
    with pytest.raises(ModelError, match=r"no readout 'oracle'.*velocity, background"):
        transformer(readout="oracle")


def load_weights_of(source, target):
    own = target.state_dict()
    target.load_state_dict({name: tensor for name, tensor in source.state_dict().items() if name in own})
