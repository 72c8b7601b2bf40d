"""What the transformer learns from, from a ring of clips: each shown anew, and encoded where it is learned
from. The processor stages the next batches, the device makes latents, and neither waits for the other.
"""

from collections.abc import Sequence

import numpy as np
import torch

from isa_engine.data.samples import Sample, encode_batch
from isa_engine.data.staged_batch import StagedBatch, stage_clips
from isa_engine.data.variation import Variation
from isa_engine.pipeline.model import Model
from isa_engine.training.ring import Ring
from isa_engine.training.ring_batches import RingBatches
from isa_engine.training.shelves import Draw


class DeviceBatches(RingBatches[StagedBatch]):
    """``batches(number)`` → a ``Sample`` on the model's device.

    Args:
        ring, draws, ahead: as of ``RingBatches``.
        model: whose encoder makes the latents.
        points: surface points a character, not more than the ring's clips have.
        precision: of the encoder, "fp32" or "bf16" (mixed).
    """

    def __init__(
        self,
        ring: Ring,
        draws: Sequence[Draw],
        model: Model,
        points: int,
        precision: str = "fp32",
        ahead: int = 3,
    ):
        super().__init__(ring, draws, ahead)
        self.model, self.points = model, points
        self.mixed = precision == "bf16"

    def __call__(self, number: int) -> Sample:
        staged = self._drawn(number)
        with torch.autocast(self.model.device.type, torch.bfloat16, enabled=self.mixed):
            latents, conditioning, pictures = encode_batch(self.model, staged)
        self.latent_frames += latents.shape[0] * latents.shape[2]
        return latents.float(), conditioning, pictures

    def drawn(self, draw: Draw, random: np.random.Generator) -> StagedBatch:
        variation = Variation.random(draw.clips, draw.length, draw.frames, random)
        clips, _ = self.ring.draw(self.shelf(draw), variation.moments().numpy(), random)
        return stage_clips(clips.first_points(self.points), self.model, variation).to(self.model.device)
