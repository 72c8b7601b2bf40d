"""Each adversarial gradient reaches whom it should and nobody else."""

import pytest
import torch

from isa_engine.training.vae.discriminators import (
    PatchDiscriminator,
    discriminator_loss,
    feature_matching_loss,
    generator_loss,
)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_discriminators_loss_teaches_the_discriminator_alone(dimensions):
    discriminator = PatchDiscriminator(dimensions, width=8)
    real, fake = torch.randn(1, 3, 5, 32, 32), torch.randn(1, 3, 5, 32, 32, requires_grad=True)
    discriminator_loss(discriminator, real, fake).backward()
    assert fake.grad is None
    weights = [parameter for parameter in discriminator.parameters() if parameter.ndim > 1]
    assert all(weight.grad.abs().sum() > 0 for weight in weights)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_generators_loss_reaches_the_picture(dimensions):
    fake = torch.randn(1, 3, 5, 32, 32, requires_grad=True)
    generator_loss(PatchDiscriminator(dimensions, width=8)(fake)).backward()
    assert fake.grad.abs().sum() > 0


@pytest.mark.parametrize("dimensions", [2, 3])
def test_features_match_where_the_pictures_do_and_lead_a_picture_to_them(dimensions):
    discriminator = PatchDiscriminator(dimensions, width=8)
    real = torch.randn(1, 3, 5, 32, 32)
    seen = discriminator.features(real)
    assert feature_matching_loss(seen, seen) == 0
    assert torch.equal(seen[-1], discriminator(real))
    fake = torch.randn(1, 3, 5, 32, 32, requires_grad=True)
    optimizer, losses = torch.optim.Adam([fake], 0.05), []
    for _ in range(10):
        losses.append(feature_matching_loss(discriminator.features(fake), [each.detach() for each in seen]))
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    assert losses[-1] < 0.9 * losses[0]


def test_only_the_3d_one_sees_the_order_of_frames():
    video = torch.randn(1, 3, 5, 32, 32)
    shuffled = video[:, :, [4, 1, 2, 3, 0]]
    torch.manual_seed(0)
    frames, clips = PatchDiscriminator(2, width=8), PatchDiscriminator(3, width=8)
    assert torch.allclose(frames(video).mean(), frames(shuffled).mean(), atol=1e-6)
    assert not torch.allclose(clips(video).mean(), clips(shuffled).mean(), atol=1e-6)


def test_a_few_steps_tell_real_from_fake():
    torch.manual_seed(0)
    discriminator = PatchDiscriminator(3, width=8)
    optimizer = torch.optim.Adam(discriminator.parameters(), 1e-3)
    real, fake = torch.zeros(2, 3, 5, 32, 32), torch.randn(2, 3, 5, 32, 32)
    first = discriminator_loss(discriminator, real, fake).item()
    for _ in range(20):
        optimizer.zero_grad()
        loss = discriminator_loss(discriminator, real, fake)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.5 * first
