"""What a run of the autoencoder shows of itself: a clip as it keeps it."""

import torch
from torch import Tensor

from isa_engine.training.vae.trainer import VAETrainer


@torch.inference_mode()
def reconstructions(trainer: VAETrainer) -> tuple[Tensor, Tensor]:
    """A clip and its reconstruction: ``(3, F, H, W)`` in [−1, 1] each."""
    clip = trainer.batches(-1)[:1, :3].to(trainer.device)
    return clip[0], trainer.vae.decode(trainer.vae.encode(clip).mode())[0]
