"""Samples whose cast is reprojected, as the gate learns from them (``dit.background_gate``)."""

from dataclasses import replace

import numpy as np
import torch

from isa_engine.data.clips.clip import Clip
from isa_engine.data.samples.encoding import Sample, condition_clip, encode
from isa_engine.data.samples.reprojected_clip import reprojected_clip
from isa_engine.data.samples.sources import ClipSource, join
from isa_engine.dit import Conditioning
from isa_engine.pipeline.isa.model import Model

# Shares of clips whose reference is a picture of the scene itself, a second later, as an artist takes it from
# the viewport; and of which no reference is told: people are grey there, as those without one are. The others
# have theirs in another light, before another set.
_OF_THE_SCENE, _WITHOUT = 0.5, 0.15
_LATER = 24
# Of the random stream that tells which.
_REFERENCES = 2


class ReprojectedSamples:
    """``samples(seeds, frames, height, width)`` → a ``Sample`` of so many clips.

    Args:
        model: its autoencoder makes the latents.
        clips: with triangles.
    """

    def __init__(self, model: Model, clips: ClipSource):
        self.model, self.clips = model, clips

    def __call__(self, seeds: list[int], frames: int, height: int, width: int) -> Sample:
        return join([self._sample(seed, frames, height, width) for seed in seeds])

    @torch.no_grad()
    def _sample(self, seed: int, frames: int, height: int, width: int) -> Sample:
        kind = np.random.default_rng([seed, _REFERENCES]).random()
        clip = self.clips(seed, frames + _LATER, height, width)
        clip = _of_the_scene(clip) if kind < _OF_THE_SCENE else clip
        clip = _first_frames(clip, frames)
        conditioning = condition_clip(clip, self.model)
        if kind > 1 - _WITHOUT:
            conditioning = self._without_references(conditioning, clip)
        latents = encode(self.model, clip.video[None].to(self.model.device))
        pictures = self.model.image_tower.fit(clip.references.to(self.model.device))
        return latents, conditioning, pictures[None]

    def _without_references(self, conditioning: Conditioning, clip: Clip) -> Conditioning:
        grey = reprojected_clip(clip, told=False)[None].to(self.model.device)
        return replace(
            conditioning,
            identity_known=torch.zeros_like(conditioning.identity_known),
            image_known=torch.zeros_like(conditioning.image_known),
            reference_latents=torch.zeros_like(conditioning.reference_latents),
            reprojected_latents=encode(self.model, grey),
        )


def _of_the_scene(clip: Clip) -> Clip:
    """With its own last frame as the one reference of everybody."""
    return replace(
        clip,
        references=clip.video[None, :, -1],
        reference_of=torch.zeros_like(clip.reference_of),
        reference_points=clip.points[-1],
        reference_intrinsics=clip.intrinsics[-1:],
        reference_camera_to_world=clip.camera_to_world[-1:],
    )


def _first_frames(clip: Clip, frames: int) -> Clip:
    return replace(
        clip,
        video=clip.video[:, :frames],
        background=clip.background[:, :frames],
        shaded=None,
        mask=clip.mask[:frames],
        points=clip.points[:frames],
        normals=clip.normals[:frames],
        intrinsics=clip.intrinsics[:frames],
        camera_to_world=clip.camera_to_world[:frames],
    )
