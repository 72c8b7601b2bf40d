"""What training draws from: synthetic clips, and the conditioned latents that the transformer sees of them.
One seed, one sample.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from isa_engine.body import open_body
from isa_engine.data.clip import Clip
from isa_engine.data.split import TRAINING, Split
from isa_engine.data.synthetic import SyntheticHumans
from isa_engine.dit import Conditioning
from isa_engine.geometry.camera import modelview_projection
from isa_engine.pipeline.conditioning import identity, stage
from isa_engine.pipeline.model import Model

FPS = 24.0


def synthetic_humans(points: int, device: torch.device | str, split: Split = TRAINING) -> SyntheticHumans:
    """The generator on the open body."""
    return SyntheticHumans(open_body(), points, device, split)


def synthetic_videos(device: torch.device | str) -> Callable[[int, int, int, int], Tensor]:
    """``clips(seed, frames, height, width)`` → colours and matte, as ``VAETrainer`` wants."""
    humans = synthetic_humans(1, device)
    return lambda seed, *size: with_matte(humans.clip(seed, *size, fps=FPS))


def with_matte(clip: Clip) -> Tensor:
    """A clip's video and, as a fourth colour, its matte: ``(4, F, H, W)`` in [−1, 1]."""
    return torch.cat([clip.video, (clip.mask > 0).to(clip.video)[None] * 2 - 1])


class SyntheticBatches:
    """``batches(seed)`` → latents and conditions, as ``DiTTrainer`` wants.

    Args:
        model: its autoencoder and image tower make the latents and tokens; they are not trained here.
        batch: clips in a batch, all of one length and canvas.
        frames, sizes: lengths, and canvases "WIDTHxHEIGHT", to draw from.
    """

    def __init__(self, model: Model, batch: int, frames: tuple[int, ...], sizes: tuple[str, ...]):
        self.model, self.batch, self.frames = model, batch, frames
        self.sizes = [model.config.canvas(size) for size in sizes]
        self.humans = synthetic_humans(model.config.dit.points, model.device)

    @torch.no_grad()
    def __call__(self, seed: int) -> tuple[Tensor, Conditioning]:
        random = np.random.default_rng(seed)
        frames = int(random.choice(self.frames))
        width, height = self.sizes[random.integers(len(self.sizes))]
        seeds = random.integers(2**31, size=self.batch).tolist()
        clips = [self.humans.clip(clip_seed, frames, height, width, fps=FPS) for clip_seed in seeds]
        latents = torch.cat([encode(self.model, clip.video[None]) for clip in clips])
        conditions = [condition(self.model, clip) for clip in clips]
        points = max(c.points.shape[2] for c in conditions)
        tokens = max(c.image_tokens.shape[1] for c in conditions)
        return latents, Conditioning.concatenate([padded(c, points, tokens) for c in conditions])


def encode(model: Model, video: Tensor) -> Tensor:
    """Normalised latents ``(B, C, t, h, w)`` of a video ``(B, 3, F, H, W)`` in [−1, 1]."""
    return model.vae.normalise(model.vae.encode(video).mode())


@torch.no_grad()
def condition(model: Model, clip: Clip) -> Conditioning:
    """What the transformer is told of a clip: a batch of one."""
    height, width = clip.video.shape[2:]
    multiple = model.config.multiple
    staging = stage(
        clip.points.cpu().numpy(),
        clip.intrinsics.cpu().numpy(),
        clip.camera_to_world.cpu().numpy(),
        height // multiple,
        width // multiple,
    )
    references = encode(model, clip.references[:, :, None])[:, :, 0]
    mvp = modelview_projection(
        clip.reference_intrinsics.cpu().numpy(), clip.reference_camera_to_world.cpu().numpy()
    )
    sampled = [
        identity(references[picture], clip.reference_points[k].cpu().numpy(), mvp[picture])
        for k, picture in enumerate(clip.reference_of.tolist())
    ]
    tokens = model.image_tower(clip.references).flatten(0, 1)[None]
    # A picture of the whole cast is also the shot's frame (Eq. 20).
    whole = references[:1] if len(references) == 1 else torch.zeros_like(references[:1])
    return Conditioning(
        points=staging.points,
        ndc=staging.ndc,
        visible=staging.visible,
        identity=torch.cat([features for features, _ in sampled])[None],
        identity_known=torch.cat([known for _, known in sampled])[None],
        image_tokens=tokens,
        image_known=torch.ones(tokens.shape[:2], dtype=torch.bool),
        reference_latents=whole,
        background_latents=encode(model, clip.background[None]),
        cameras=staging.cameras,
    ).to(model.device)


def padded(conditioning: Conditioning, points: int, tokens: int) -> Conditioning:
    """The same with invisible points and unknown image tokens up to these counts."""

    def pad(value: Tensor, axis: int, count: int) -> Tensor:
        shape = list(value.shape)
        shape[axis] = count - shape[axis]
        return torch.cat([value, value.new_zeros(shape)], axis)

    return Conditioning(
        points=pad(conditioning.points, 2, points),
        ndc=pad(conditioning.ndc, 2, points),
        visible=pad(conditioning.visible, 2, points),
        identity=pad(conditioning.identity, 1, points),
        identity_known=pad(conditioning.identity_known, 1, points),
        image_tokens=pad(conditioning.image_tokens, 1, tokens),
        image_known=pad(conditioning.image_known, 1, tokens),
        reference_latents=conditioning.reference_latents,
        background_latents=conditioning.background_latents,
        cameras=conditioning.cameras,
    )
