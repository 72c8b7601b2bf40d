"""Batches from a ring of clips (``training.ring``), each clip shown anew, encoded on the device that learns.

The processor draws and stages the next batches meanwhile; the device makes latents of their pictures, and
neither waits for the other.
"""

import time
from collections.abc import Sequence

import numpy as np
import torch

from isa_engine.data.samples import Sample, encode_batch
from isa_engine.data.staged_batch import StagedBatch, stage_clips
from isa_engine.data.variation import Variation
from isa_engine.errors import DataError
from isa_engine.pipeline.model import Model
from isa_engine.training.ahead import Ahead
from isa_engine.training.feeder import LOG, is_fed
from isa_engine.training.ring import Ring
from isa_engine.training.shelves import Draw

# Seconds until some clips must do, and in which one must come.
_FIRST_CLIPS, _FIRST_CLIP = 20.0, 180.0


class DeviceBatches:
    """``batches(number)`` → a ``Sample`` on the model's device; which clips it holds depends on what was
    rendered by then.

    Args:
        ring: to draw from.
        draws: kinds of batch.
        model: whose encoder makes the latents.
        points: surface points a character, not more than the ring's clips have.
        precision: of the encoder, "fp32" or "bf16" (mixed).
        ahead: batches drawn ahead.

    Attributes:
        latent_frames: that were handed out.
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
        self.ring, self.draws, self.model, self.points = ring, draws, model, points
        self.mixed = precision == "bf16"
        self.latent_frames = 0
        self._staged = Ahead(self.staged, ahead)
        shelves = ring.layout.shelves
        self._shelves = {(s.frames, s.width, s.height): number for number, s in enumerate(shelves)}

    def __call__(self, number: int) -> Sample:
        staged = self._staged(number)
        with torch.autocast(self.model.device.type, torch.bfloat16, enabled=self.mixed):
            latents, conditioning, pictures = encode_batch(self.model, staged)
        self.latent_frames += latents.shape[0] * latents.shape[2]
        return latents.float(), conditioning, pictures

    def staged(self, number: int) -> StagedBatch:
        """The clips of a batch, on their way to the device."""
        random = np.random.default_rng(number)
        draw = self._drawable(random)
        variation = Variation.random(draw.clips, draw.length, draw.frames, random)
        shelf = self._shelf(draw)
        clips, _ = self.ring.draw(shelf, variation.moments().numpy(), random)
        return stage_clips(clips.first_points(self.points), self.model, variation).to(self.model.device)

    def wait(self) -> None:
        """Until every shelf holds a quarter of a batch, so that few clips are in a batch twice; or for so
        long that what is there must do.

        Raises:
            DataError: nothing comes.
        """
        began, wanted = time.monotonic(), np.zeros(len(self._shelves))
        for draw in self.draws:
            slots = self.ring.layout.shelves[self._shelf(draw)].slots
            wanted[self._shelf(draw)] = max(wanted[self._shelf(draw)], min(slots, draw.clips / 4))
        while (self.ring.filled() < wanted).any():
            waited, some = time.monotonic() - began, self.ring.filled().any()
            if some and waited > _FIRST_CLIPS:
                return
            if waited > _FIRST_CLIP or not is_fed(self.ring.folder):
                remedy = f"Its feeder's {LOG} says why."
                raise DataError("no clip comes", where=str(self.ring.folder), remedy=remedy)
            time.sleep(0.1)

    def _drawable(self, random: np.random.Generator) -> Draw:
        """A kind of batch whose shelf holds something."""
        filled = self.ring.filled()
        ready = [draw for draw in self.draws if filled[self._shelf(draw)]]
        if not ready:
            raise DataError("no clip has been made yet", where=str(self.ring.folder), remedy="Wait.")
        shares = np.array([draw.share for draw in ready])
        return ready[random.choice(len(ready), p=shares / shares.sum())]

    def _shelf(self, draw: Draw) -> int:
        return self._shelves[draw.length, draw.width, draw.height]
