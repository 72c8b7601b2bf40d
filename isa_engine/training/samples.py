"""What a run shows of itself: pictures for tensorboard."""

import torch
from torch import Tensor

from isa_engine.dit import Conditioning
from isa_engine.dit.background_gate import BackgroundGate, Prediction
from isa_engine.pipeline.model import Model
from isa_engine.pipeline.sampling import initial_noise, sample
from isa_engine.pipeline.velocity import velocity_of
from isa_engine.training.dit import BatchSource
from isa_engine.training.dit_and_tower import DiTAndTower
from isa_engine.training.vae import VAETrainer

# The same samples every time, so that a run's pictures can be compared.
_SEED = 2**31 - 1
_STEPS = 12


@torch.inference_mode()
def reconstructions(trainer: VAETrainer) -> Tensor:
    """A clip above its reconstruction, three frames of it: ``(3, 2H, 3W)`` in [−1, 1]."""
    clip = trainer.batches(-1)[:1, :3].to(trainer.device)
    return _rows(clip[0], trainer.vae.decode(trainer.vae.encode(clip).mode())[0])


@torch.inference_mode()
def generations(
    networks: DiTAndTower, model: Model, batches: BatchSource, gate: BackgroundGate | None = None
) -> Tensor:
    """A clip above what the transformer makes of its conditions: ``(3, 2H, 3W)`` in [−1, 1].

    Args:
        model: whose autoencoder made the latents.
        gate: on the transformer's tokens.
    """
    latents, conditioning, pictures = batches(_SEED)
    told = networks.seeing(conditioning, pictures)
    noise = initial_noise(tuple(latents.shape), seed=0).to(latents)

    def network(noisy: Tensor, time: Tensor, conditions: Conditioning) -> Prediction:
        velocity, tokens = networks.dit.predict(noisy, time, conditions)
        return Prediction(velocity, None if gate is None else gate(tokens, time))

    made = sample(velocity_of(network, told, guidance=1.0), noise, _STEPS, model.config.shift)
    truth, made = (model.vae.decode(model.vae.denormalise(x[:1])) for x in (latents, made))
    return _rows(truth[0], made[0])


def _rows(above: Tensor, below: Tensor) -> Tensor:
    moments = [0, above.shape[1] // 2, above.shape[1] - 1]
    return torch.cat([torch.cat([video[:, k] for k in moments], 2) for video in (above, below)], 1)
