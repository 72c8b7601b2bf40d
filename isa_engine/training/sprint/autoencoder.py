"""A sprint of the autoencoder, or of its decoder alone."""

import dataclasses
from pathlib import Path

from torch import Tensor

from isa_engine.errors import ModelError
from isa_engine.training.batches.device_videos import DeviceVideos
from isa_engine.training.configuration import VAETraining
from isa_engine.training.ring.shelves import draws_of_vae
from isa_engine.training.sprint.clock import Clock
from isa_engine.training.sprint.held_out import HeldOutClips
from isa_engine.training.sprint.loop import Sprint, Weights
from isa_engine.training.sprint.outputs import SHEET, USED
from isa_engine.training.sprint.ring_place import open_ring
from isa_engine.training.vae.trainer import VAETrainer

# Points of a clip, of which the autoencoder uses none, and how often each clip is shown, about.
_POINTS, _REUSE = 8, 15.0
_PARTS = ("vae", "matte_head")


class AutoencoderSprint(Sprint):
    """A sprint of the autoencoder, or of its decoder alone.

    Args:
        settings, out, story, clock, device: as of ``Sprint``.
        ring, writers: as of ``TransformerSprint``.
        compiled: none of its blocks is; only there because all sprints are begun alike.
    """

    def __init__(
        self,
        settings: VAETraining,
        out: Path,
        story: Path,
        clock: Clock,
        device: str,
        ring: str,
        compiled: bool = False,
        writers: int | None = None,
    ):
        clips = open_ring(ring, draws_of_vae(settings), _POINTS, _REUSE, settings.seed, writers)
        batches = DeviceVideos(clips, settings, device)
        self.held_out = HeldOutClips(_POINTS, settings.frames[0], settings.width, settings.height)
        trainer = VAETrainer(settings, batches, device)
        super().__init__(settings, out, story, clock, device, batches, trainer)

    def step(self, gone: float) -> dict[str, Tensor]:
        return self.trainer.step(gone)

    def weights(self) -> dict[str, Weights]:
        return {
            USED: {
                f"{part}.{name}": value.clone()
                for part in _PARTS
                for name, value in getattr(self.trainer, part).state_dict().items()
            }
        }

    def restart(self, weights: dict[str, Weights]) -> None:
        for part in _PARTS:
            network = getattr(self.trainer, part)
            network.load_state_dict({name: weights[USED][f"{part}.{name}"] for name in network.state_dict()})
        for optimizer in (self.trainer.optimizer, self.trainer.discriminator_optimizer):
            optimizer.state.clear()
        rate = self.trainer.settings.learning_rate / 2
        self.trainer.settings = dataclasses.replace(self.trainer.settings, learning_rate=rate)

    def look(self) -> dict[str, float]:
        return {"held_out_psnr": self.held_out.sheet_of_videos(self.outputs.folder / SHEET, self.trainer.vae)}

    def grow(self) -> None:
        """A clip is so large that the device is busy with few of them."""

    def halve(self) -> None:
        batch = self.settings.batch // 2
        if batch < 1:
            raise ModelError("not even one clip fits into the memory")
        self.settings = dataclasses.replace(self.settings, batch=batch)
        self.batches.draws = draws_of_vae(self.settings)
