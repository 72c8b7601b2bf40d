"""A sprint's look at clips that it does not learn from: a sheet of them, and their loss."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from isa_engine.configuration.policies import PRESETS
from isa_engine.data.clips.clip_batch import ClipBatch, batch_of
from isa_engine.data.clips.sources import synthetic_humans
from isa_engine.data.samples.encoding import Sample, colours, encode_batch
from isa_engine.data.samples.staged_batch import stage_clips
from isa_engine.data.scenario.split import HELD_OUT
from isa_engine.geometry.surface import POINTS
from isa_engine.pipeline.contact_sheet import write_contact_sheet
from isa_engine.pipeline.isa.model import Model
from isa_engine.pipeline.sampling import initial_noise
from isa_engine.pipeline.sampling import sample as denoise
from isa_engine.pipeline.velocity import velocity_of
from isa_engine.training.dit.dit_and_tower import DiTAndTower
from isa_engine.training.dit.trainer import DiTTrainer
from isa_engine.vae import VideoVAE
from isa_engine.whole_file import whole_file

_CLIPS, _STEPS, _GUIDANCE = 6, 20, PRESETS["Final"].guidance


class HeldOutClips:
    """Clips of one to four people, rendered beside the start of the training.

    Args:
        points: surface points a character.
        frames, width, height: of each.
    """

    def __init__(self, points: int, frames: int, width: int, height: int):
        self.points, self.size = points, (frames, height, width)
        self._rendering = ThreadPoolExecutor(1, "held-out").submit(self._render)
        self._sample: Sample | None = None

    def clips(self) -> ClipBatch:
        """All of them; waits until they are rendered."""
        return self._rendering.result()

    def sample(self, model: Model) -> Sample:
        """Their latents, conditions and pictures, as a model's autoencoder makes them."""
        if self._sample is None:
            self._sample = encode_batch(model, stage_clips(self.clips(), model).to(model.device))
        return self._sample

    @torch.no_grad()
    def loss(self, trainer: DiTTrainer, sample: Sample) -> float:
        """As training counts it, with the same noise and times whenever it is asked for."""
        generator = torch.Generator(sample[0].device).manual_seed(0)
        return float(trainer.loss(*sample, generator))

    @torch.inference_mode()
    def sheet_of_takes(self, path: Path, model: Model, networks: DiTAndTower, sample: Sample) -> None:
        """Each clip, as good as its latents have it, above what the networks make of its conditions."""
        latents, conditioning, pictures = sample
        told = networks.seeing(conditioning, pictures)
        noise = initial_noise(tuple(latents.shape), 0, model.config.temperature).to(latents)
        trained = replace(model, dit=networks.dit, gate=None)
        velocity = velocity_of(trained.predict, told, _GUIDANCE)
        made = denoise(velocity, noise, _STEPS, model.config.shift)
        kept, made = (model.vae.decode(model.vae.denormalise(each.float())) for each in (latents, made))
        _write_sheet(path, {"through the autoencoder": kept, "made": made})

    @torch.inference_mode()
    def sheet_of_videos(self, path: Path, vae: VideoVAE) -> float:
        """Each clip above what the autoencoder keeps of it; returns the mean PSNR, dB."""
        device = next(vae.parameters()).device
        truth = colours(self.clips().video.to(device))
        kept = vae.decode(vae.encode(truth).mode())
        _write_sheet(path, {"truth": truth, "through the autoencoder": kept})
        errors = ((kept.clamp(-1, 1) - truth) / 2).square().flatten(1).mean(1)
        return float((-10 * errors.log10()).mean())

    def _render(self) -> ClipBatch:
        humans = synthetic_humans(POINTS, "cpu", HELD_OUT)
        clips = [humans.clip(seed, *self.size, characters=1 + seed % 4) for seed in range(_CLIPS)]
        return ClipBatch.concatenate([batch_of(clip).first_points(self.points) for clip in clips])


def _write_sheet(path: Path, videos: dict[str, Tensor]) -> None:
    """Videos ``(B, 3, F, H, W)`` of the same clips, those of each clip below one another."""
    rows = [
        (f"{clip + 1} {name}", video[clip].clamp(-1, 1))
        for clip in range(_CLIPS)
        for name, video in videos.items()
    ]
    with whole_file(path) as partial:
        write_contact_sheet(partial, rows)
