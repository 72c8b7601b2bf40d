"""What the autoencoder learns from: clips of a stage's length, augmented. One number, one batch."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from isa_engine.training.batches.augmentation import dynamic_speed, random_structured_motion
from isa_engine.training.configuration import VAETraining

# ``videos(seed, frames, height, width)`` gives video and matte, ``(4, frames, height, width)`` in [−1, 1].
VideoSource = Callable[[int, int, int, int], Tensor]


class VideoBatches:
    """``batches(step)`` → ``(batch, 4, F, H, W)``: colours and matte.

    Args:
        videos: asked for longer and larger ones than a step uses, since the augmentations cut.
    """

    def __init__(self, settings: VAETraining, videos: VideoSource):
        self.settings, self.videos = settings, videos

    def __call__(self, step: int) -> Tensor:
        """Of a step of the run; negative numbers give other batches of the first stage."""
        settings = self.settings
        # The trainer's own noise has the odd seeds.
        generator = torch.Generator().manual_seed(2 * (settings.seed * 2**32 + step))
        frames = settings.frames[0 if step < settings.steps[0] else 1]
        longer = 1 + math.ceil((frames - 1) * settings.fastest)
        batch = []
        for _ in range(settings.batch):
            seed = int(torch.randint(2**31, (), generator=generator))
            size = settings.height + settings.shift, settings.width + settings.shift
            video = dynamic_speed(self.videos(seed, longer, *size), frames, settings.fastest, generator)
            batch.append(random_structured_motion(video, settings.height, settings.width, generator))
        return torch.stack(batch)
