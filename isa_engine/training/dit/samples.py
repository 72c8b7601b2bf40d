"""What a run of the transformer, or of the gate, shows of itself: a clip as it makes it."""

import torch
from torch import Tensor

from isa_engine.dit import Conditioning
from isa_engine.dit.background_gate import BackgroundGate, Prediction, somebody
from isa_engine.pipeline.isa.model import Model
from isa_engine.pipeline.sampling import initial_noise, sample
from isa_engine.pipeline.velocity import velocity_of
from isa_engine.training.dit.dit_and_tower import DiTAndTower
from isa_engine.training.dit.trainer import BatchSource

# The same samples every time, so that a run's pictures can be compared.
_SEED = 2**31 - 1
_STEPS = 12


@torch.inference_mode()
def generations(
    networks: DiTAndTower, model: Model, batches: BatchSource, gate: BackgroundGate | None = None
) -> tuple[Tensor, Tensor]:
    """A clip, and what the transformer makes of its conditions: ``(3, F, H, W)`` in [−1, 1] each.

    Args:
        model: whose autoencoder made the latents.
        gate: on the transformer's tokens.
    """
    latents, conditioning, pictures = batches(_SEED)
    told = networks.seeing(conditioning, pictures)
    noise = initial_noise(tuple(latents.shape), 0, model.config.temperature).to(latents)

    def network(noisy: Tensor, time: Tensor, conditions: Conditioning) -> Prediction:
        velocity, tokens = networks.dit.predict(noisy, time, conditions)
        return Prediction(velocity, None if gate is None else gate(tokens, time, somebody(conditions)))

    made = sample(velocity_of(network, told, guidance=1.0), noise, _STEPS, model.config.shift)
    truth, made = (model.vae.decode(model.vae.denormalise(x[:1])) for x in (latents, made))
    return truth[0], made[0]
