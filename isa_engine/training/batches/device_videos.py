"""What the autoencoder learns from, from a ring of clips: augmented as ``batches.video_batches`` does it, a
batch at once, on the device that learns.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from isa_engine.data.clips.variation import Variation
from isa_engine.data.samples.encoding import colours
from isa_engine.geometry.frames import latent_count
from isa_engine.training.batches.augmentation import motion_path, speed_moments
from isa_engine.training.batches.ring_batches import RingBatches
from isa_engine.training.configuration import VAETraining
from isa_engine.training.ring.ring import Ring
from isa_engine.training.ring.shelves import Draw, draws_of_vae


@dataclass(frozen=True)
class _Drawn:
    """A batch as it comes from the ring, larger than what is shown of it.

    Attributes:
        video, mask: ``(B, F, H, W, 3)`` and ``(B, F, H, W)`` uint8.
        corners: ``(B, F, 2)`` int64, row and column where what is shown begins in each frame.
        variation: how it is shown.
    """

    video: Tensor
    mask: Tensor
    corners: Tensor
    variation: Variation


class DeviceVideos(RingBatches[_Drawn]):
    """``batches(step)`` → ``(B, 4, F, H, W)`` in [−1, 1]: colours and matte, on the device.

    Args:
        ring: as of ``RingBatches``.
        settings: of the run.
        device: that learns.
    """

    def __init__(self, ring: Ring, settings: VAETraining, device: torch.device | str):
        super().__init__(ring, draws_of_vae(settings))
        self.settings, self.device = settings, torch.device(device)

    def __call__(self, number: int) -> Tensor:
        drawn = self._drawn(number)
        video = drawn.variation.pictures(colours(drawn.video))
        mirrored = drawn.variation.mirrored.view(-1, 1, 1, 1)
        mask = torch.where(mirrored, drawn.mask.flip(-1), drawn.mask)
        whole = torch.cat([video, (mask > 0)[:, None].to(video) * 2 - 1], 1)
        self.latent_frames += len(whole) * latent_count(whole.shape[2])
        return _cropped(whole, drawn.corners, self.settings.height, self.settings.width)

    def drawn(self, draw: Draw, random: np.random.Generator) -> _Drawn:
        settings, generator = self.settings, torch.Generator().manual_seed(int(random.integers(2**63)))
        frames, clips = draw.frames, range(draw.clips)
        moments = torch.stack(
            [speed_moments(draw.length, frames, settings.fastest, generator) for _ in clips]
        )
        spare = draw.height - settings.height, draw.width - settings.width
        corners = torch.stack([motion_path(frames, spare, generator) for _ in clips])
        batch, _ = self.ring.draw(self.shelf(draw), moments.numpy(), random)
        variation = Variation.random(draw.clips, frames, frames, random)
        on_gpu = self.device.type == "cuda"
        parts = [
            (part.pin_memory() if on_gpu else part).to(self.device, non_blocking=True)
            for part in (batch.video, batch.mask, corners)
        ]
        return _Drawn(*parts, variation.to(self.device))


def _cropped(video: Tensor, corners: Tensor, height: int, width: int) -> Tensor:
    """``(B, C, F, H, W)`` to ``(B, C, F, height, width)``, each frame from its corner on."""
    if video.shape[-2:] == (height, width):
        return video
    batch, frames = corners.shape[:2]
    row = corners[..., 0, None] + torch.arange(height, device=corners.device)
    column = corners[..., 1, None] + torch.arange(width, device=corners.device)
    clip = torch.arange(batch, device=corners.device)[:, None, None, None]
    frame = torch.arange(frames, device=corners.device)[:, None, None]
    return video.movedim(1, -1)[clip, frame, row[..., :, None], column[..., None, :]].movedim(-1, 1)
