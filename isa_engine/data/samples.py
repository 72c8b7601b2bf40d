"""What the transformer is trained on: clips as latents, with their conditions. One seed, one sample."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from isa_engine.data.clip import Clip
from isa_engine.dit import Conditioning
from isa_engine.geometry.camera import modelview_projection
from isa_engine.geometry.frames import latent_count
from isa_engine.pipeline.conditioning import stage
from isa_engine.pipeline.model import Model
from isa_engine.pipeline.normals import conditioned_in_2d, packed_normal_maps
from isa_engine.pipeline.pictures import to_frames
from isa_engine.pipeline.references import identity, picture_latents

# ``clips(seed, frames, height, width)`` gives a clip.
ClipSource = Callable[[int, int, int, int], Clip]
# Normalised latents ``(B, C, t, h, w)``, their conditions, whose image tokens are still zero, and pictures
# ``(B, R, 3, S, S)`` from which a tower that learns makes them (``ImageTower.fit``).
Sample = tuple[Tensor, Conditioning, Tensor]


class Samples:
    """``samples(seed, frames, height, width)`` → a ``Sample``, a batch of one.

    Args:
        model: its autoencoder makes the latents.
    """

    def __init__(self, model: Model, clips: ClipSource):
        self.model, self.clips = model, clips

    @torch.no_grad()
    def __call__(self, seed: int, frames: int, height: int, width: int) -> Sample:
        clip = self.clips(seed, frames, height, width)
        pictures = self.model.image_tower.fit(clip.references)[None]
        return encode(self.model, clip.video[None]), _without_tokens(self.model, clip), pictures


class KeptSamples:
    """The same few samples again and again, each made when it is first drawn and kept in a file: for machines
    that take longer to render a clip than to learn from it.

    Args:
        samples: makes them.
        folder: of the files; samples of another ``fingerprint`` need another one.
        count: different samples of a single frame for each canvas; of longer ones so many fewer as they have
            latent frames.
    """

    def __init__(self, samples: Callable[[int, int, int, int], Sample], folder: Path, count: int):
        self.samples, self.folder, self.count = samples, folder, count
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, seed: int, frames: int, height: int, width: int) -> Sample:
        number = seed % max(1, self.count // latent_count(frames))
        path = self.folder / f"{width}x{height}x{frames}-{number}.safetensors"
        if not path.exists():
            latents, conditioning, pictures = self.samples(number, frames, height, width)
            tensors = {field.name: getattr(conditioning, field.name) for field in fields(conditioning)}
            tensors |= {"latents": latents, "pictures": pictures}
            tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
            partial = path.with_suffix(f".{os.getpid()}")
            save_file(tensors, partial)
            os.replace(partial, path)
        tensors = load_file(path)
        latents, pictures = tensors.pop("latents"), tensors.pop("pictures")
        return latents, Conditioning(**tensors), pictures


class Batches:
    """``batches(seed)`` → a ``Sample`` of many, as ``DiTTrainer`` wants.

    Args:
        batch: latent frames in a batch, in as many samples of one length and canvas as have them.
        frames: lengths to draw from.
        sizes: canvases ``(width, height)`` to draw from.
    """

    def __init__(
        self,
        samples: Callable[[int, int, int, int], Sample],
        batch: int,
        frames: tuple[int, ...],
        sizes: tuple[tuple[int, int], ...],
    ):
        self.samples, self.batch, self.frames, self.sizes = samples, batch, frames, sizes

    def __call__(self, seed: int) -> Sample:
        random = np.random.default_rng(seed)
        frames = int(random.choice(self.frames))
        width, height = self.sizes[random.integers(len(self.sizes))]
        count = max(1, self.batch // latent_count(frames))
        seeds = random.integers(2**31, size=count).tolist()
        samples = [self.samples(sample_seed, frames, height, width) for sample_seed in seeds]
        conditions = [conditioning for _, conditioning, _ in samples]
        shown = max(pictures.shape[1] for *_, pictures in samples)
        points = max(c.points.shape[2] for c in conditions)
        tokens = max(c.image_tokens.shape[1] for c in conditions)
        return (
            torch.cat([latents for latents, *_ in samples]),
            Conditioning.concatenate([padded(c, points, tokens) for c in conditions]),
            torch.cat([_pad(pictures, 1, shown) for *_, pictures in samples]),
        )


def fingerprint(model: Model, points: int) -> str:
    """SHA-256 of what a sample depends on beside its clip: the encoder, the points a character, and the size
    of its close-up."""
    digest = hashlib.sha256(f"{points} {model.config.close_up}".encode())
    for name, tensor in model.vae.state_dict().items():
        if "decoder" not in name:
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def encode(model: Model, video: Tensor) -> Tensor:
    """Normalised latents ``(B, C, t, h, w)`` of a video ``(B, 3, F, H, W)`` in [−1, 1]."""
    return model.vae.normalise(model.vae.encode(video).mode())


@torch.no_grad()
def condition(model: Model, clip: Clip) -> Conditioning:
    """What the transformer is told of a clip: a batch of one."""
    tokens = model.image_tower(clip.references).flatten(0, 1)[None]
    return replace(_without_tokens(model, clip), image_tokens=tokens)


def _without_tokens(model: Model, clip: Clip) -> Conditioning:
    """The conditions of a clip with the place for its image tokens."""
    height, width = clip.video.shape[2:]
    multiple = model.config.multiple
    staging = stage(
        clip.points.cpu().numpy(),
        clip.intrinsics.cpu().numpy(),
        clip.camera_to_world.cpu().numpy(),
        height // multiple,
        width // multiple,
    )
    # As files have them: eight bits a colour.
    pictures = [Image.fromarray(frame) for frame in to_frames(clip.references.transpose(0, 1)[None])]
    mvp = modelview_projection(
        clip.reference_intrinsics.cpu().numpy(), clip.reference_camera_to_world.cpu().numpy()
    )
    places, shown_in = clip.reference_points.cpu().numpy(), clip.reference_of.cpu().numpy()
    sampled = []
    for k, picture in enumerate(shown_in):
        others = places[(shown_in == picture) & (np.arange(len(places)) != k)].reshape(-1, 3)
        sampled.append(identity(model, pictures[picture], places[k], mvp[picture], others))
    tokens = len(pictures) * model.image_tower.token_count
    maps = None
    if conditioned_in_2d(model):
        seen = clip.points, clip.normals, clip.intrinsics, clip.camera_to_world
        maps = packed_normal_maps(model, *seen, (width, height))
    background = encode(model, clip.background[None])
    # A picture of the whole cast is also the shot's frame (Eq. 20).
    whole = torch.zeros_like(background[:, :, 0])
    if len(pictures) == 1:
        whole = picture_latents(model, clip.references[0])[None]
    return Conditioning(
        points=staging.points,
        ndc=staging.ndc,
        visible=staging.visible,
        identity=torch.cat([features for features, _ in sampled])[None],
        identity_known=torch.cat([known for _, known in sampled])[None],
        image_tokens=torch.zeros(1, tokens, model.config.image_tower.width),
        image_known=torch.ones(1, tokens, dtype=torch.bool),
        reference_latents=whole,
        background_latents=background,
        # Zeros are what the transformer is told where the camera is left open.
        cameras=staging.cameras * clip.camera_known,
        normal_maps=maps,
    ).to(model.device)


def padded(conditioning: Conditioning, points: int, tokens: int) -> Conditioning:
    """The same with invisible points and unknown image tokens up to these counts."""
    return replace(
        conditioning,
        points=_pad(conditioning.points, 2, points),
        ndc=_pad(conditioning.ndc, 2, points),
        visible=_pad(conditioning.visible, 2, points),
        identity=_pad(conditioning.identity, 1, points),
        identity_known=_pad(conditioning.identity_known, 1, points),
        image_tokens=_pad(conditioning.image_tokens, 1, tokens),
        image_known=_pad(conditioning.image_known, 1, tokens),
    )


def _pad(value: Tensor, axis: int, count: int) -> Tensor:
    """A tensor with zeros at the end of an axis, up to this many there."""
    shape = list(value.shape)
    shape[axis] = count - shape[axis]
    return torch.cat([value, value.new_zeros(shape)], axis)
