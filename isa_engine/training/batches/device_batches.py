"""What the transformer learns from, from a ring of clips: each varied anew, and encoded on the device that
learns. The processor stages the next batches, the device makes latents, and neither waits for the other.
"""

from collections import deque
from collections.abc import Sequence

import numpy as np

from isa_engine.data.clips.variation import Variation
from isa_engine.data.samples.encoding import Sample, encode_batch
from isa_engine.data.samples.staged_batch import StagedBatch, stage_clips
from isa_engine.pipeline.isa.model import Model
from isa_engine.training.batches.ring_batches import RingBatches
from isa_engine.training.ring.ring import Ring
from isa_engine.training.ring.shelves import Draw

# Batches of latents that are kept to be learned from again.
_KEPT = 48


class DeviceBatches(RingBatches[StagedBatch]):
    """``batches(number)`` → a ``Sample`` on the model's device.

    Args:
        ring, draws: as of ``RingBatches``.
        model: whose encoder makes the latents.
        points: surface points a character, not more than the ring's clips have.
        reuse: how often each batch of latents is learned from, each time with other noise: at once, and later
            among the last ``_KEPT`` of them at random. Noise tells more of a clip than a step learns, and
            to encode a batch may take a device longer than to learn from it.
    """

    def __init__(self, ring: Ring, draws: Sequence[Draw], model: Model, points: int, reuse: int = 1):
        super().__init__(ring, draws)
        self.model, self.points, self.reuse = model, points, reuse
        self._kept: deque[Sample] = deque(maxlen=_KEPT)

    def __call__(self, number: int) -> Sample:
        made, again = divmod(number, self.reuse)
        if again and self._kept:
            sample = self._kept[np.random.default_rng(abs(number)).integers(len(self._kept))]
        else:
            sample = self._encoded(made)
            if self.reuse > 1:
                self._kept.append(sample)
        self.latent_frames += len(sample[0]) * sample[0].shape[2]
        return sample

    def _encoded(self, number: int) -> Sample:
        staged = self._drawn(number)
        # In single precision, also where learning is in bfloat16: its eight bits of mantissa would blur dark
        # pictures.
        return encode_batch(self.model, staged)

    def drawn(self, draw: Draw, random: np.random.Generator) -> StagedBatch:
        variation = Variation.random(draw.clips, draw.length, draw.frames, random)
        clips, _ = self.ring.draw(self.shelf(draw), variation.moments().numpy(), random)
        return stage_clips(clips.first_points(self.points), self.model, variation).to(self.model.device)
