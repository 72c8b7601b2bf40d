"""What the transformer is trained on: clips as latents, with their conditions. One seed, one sample."""

import hashlib
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from isa_engine.data.clip import Clip
from isa_engine.data.clip_batch import ClipBatch, batch_of
from isa_engine.data.cut_outs import cut_out
from isa_engine.data.staged_batch import StagedBatch, stage_clips
from isa_engine.dit import Conditioning
from isa_engine.geometry.frames import latent_count
from isa_engine.pipeline.model import Model
from isa_engine.pipeline.references import at_points
from isa_engine.vae.causal_conv import Past
from isa_engine.whole_file import whole_file

# ``clips(seed, frames, height, width)`` gives a clip.
ClipSource = Callable[[int, int, int, int], Clip]
# Normalised latents ``(B, C, t, h, w)``, their conditions, whose image tokens are still zero, and pictures
# ``(B, R, 3, S, S)`` from which a tower that learns makes them (``ImageTower.fit``).
Sample = tuple[Tensor, Conditioning, Tensor]
# ``samples(seeds, frames, height, width)`` gives one of so many clips.
SampleSource = Callable[[list[int], int, int, int], Sample]


class Samples:
    """``samples(seeds, frames, height, width)`` → a ``Sample`` of so many clips.

    Args:
        model: its autoencoder makes the latents.
    """

    def __init__(self, model: Model, clips: ClipSource):
        self.model, self.clips = model, clips

    def __call__(self, seeds: list[int], frames: int, height: int, width: int) -> Sample:
        clips = [batch_of(self.clips(seed, frames, height, width)) for seed in seeds]
        staged = stage_clips(ClipBatch.concatenate(clips), self.model)
        return encode_batch(self.model, staged.to(self.model.device))


class KeptSamples:
    """The same few samples again and again, each made when it is first drawn and kept in a file: for machines
    that take longer to render a clip than to learn from it.

    Args:
        samples: makes them.
        folder: of the files; samples of another ``fingerprint`` need another one.
        count: different samples of a single frame for each canvas; of longer ones so many fewer as they have
            latent frames.
    """

    def __init__(self, samples: SampleSource, folder: Path, count: int):
        self.samples, self.folder, self.count = samples, folder, count
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, seeds: list[int], frames: int, height: int, width: int) -> Sample:
        return join([self._kept(seed, frames, height, width) for seed in seeds])

    def _kept(self, seed: int, frames: int, height: int, width: int) -> Sample:
        number = seed % max(1, self.count // latent_count(frames))
        path = self.folder / f"{width}x{height}x{frames}-{number}.safetensors"
        if not path.exists():
            latents, conditioning, pictures = self.samples([number], frames, height, width)
            tensors = {field.name: getattr(conditioning, field.name) for field in fields(conditioning)}
            tensors |= {"latents": latents, "pictures": pictures}
            tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
            with whole_file(path, shared=True) as partial:
                save_file(tensors, partial)
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
        samples: SampleSource,
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
        batch = self.samples(random.integers(2**31, size=count).tolist(), frames, height, width)
        batch[1].check_finite()
        return batch


def join(samples: list[Sample]) -> Sample:
    """Samples of one length and canvas as one."""
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
    """Normalised latents ``(B, C, t, h, w)`` of a video ``(B, 3, F, H, W)`` in [−1, 1].

    The video is not asked first whether it is finite, as ``VideoVAE.encode`` does: a GPU would be waited for.
    """
    mean, _ = model.vae.encoder(video, Past()).chunk(2, 1)
    return model.vae.normalise(mean)


@torch.no_grad()
def condition_clip(clip: Clip, model: Model) -> Conditioning:
    """What the transformer is told of a clip: a batch of one."""
    staged = stage_clips(batch_of(clip), model).to(model.device)
    references = colours(staged.references)
    conditioning = _conditions(model, staged, encode(model, colours(staged.background)), references)
    tokens = model.image_tower(references.transpose(1, 2).flatten(0, 1)).flatten(0, 1)[None]
    return replace(conditioning, image_tokens=tokens)


@torch.no_grad()
def encode_batch(model: Model, staged: StagedBatch) -> Sample:
    """A batch, made on the model's device without waiting for it."""
    vary = staged.variation.pictures
    video, background, references = (
        vary(colours(pictures)) for pictures in (staged.video, staged.background, staged.references)
    )
    latents, backgrounds = encode(model, torch.cat([video, background])).chunk(2)
    conditioning = _conditions(model, staged, backgrounds, references)
    batch, pictures = len(references), references.transpose(1, 2)
    fitted = model.image_tower.fit(pictures.flatten(0, 1)).unflatten(0, (batch, -1))
    return latents, conditioning, fitted * staged.shown[..., None, None, None]


def _conditions(model: Model, staged: StagedBatch, backgrounds: Tensor, references: Tensor) -> Conditioning:
    """Conditions with the place for image tokens.

    Args:
        backgrounds: ``(B, C, t, h, w)`` latents.
        references: ``(B, 3, R, H, W)``.
    """
    batch, _, shown = references.shape[:3]
    # A picture of the whole cast is also the shot's frame (Eq. 20).
    whole = encode(model, references[:, :, :1])[:, :, 0] * staged.alone.view(-1, 1, 1, 1)
    tokens = model.image_tower.token_count
    return Conditioning(
        points=staged.points,
        ndc=staged.ndc,
        visible=staged.visible,
        identity=_identity(model, staged, references),
        identity_known=staged.identity_known,
        image_tokens=references.new_zeros(batch, shown * tokens, model.config.image_tower.width),
        image_known=staged.shown[..., None].expand(-1, -1, tokens).flatten(1),
        reference_latents=whole,
        background_latents=backgrounds,
        cameras=staged.cameras,
        normal_maps=staged.normal_maps,
    )


def _identity(model: Model, staged: StagedBatch, references: Tensor) -> Tensor:
    """Eq. 19: ``(B, P, C)``, zero where no reference shows anything of a character."""
    batch, points = staged.identity_known.shape
    channels = model.config.vae.latent_channels
    if not len(staged.character):
        return references.new_zeros(batch, points, channels)
    squares = cut_out(
        references.transpose(1, 2).flatten(0, 1),
        staged.picture,
        staged.corner,
        staged.side,
        model.config.close_up,
    )
    said = at_points(encode(model, squares[:, :, None])[:, :, 0].float(), staged.where)
    everybody = said.new_zeros(batch * points // said.shape[1], *said.shape[1:])
    return everybody.index_copy_(0, staged.character, said).view(batch, points, channels)


def colours(stored: Tensor) -> Tensor:
    """``(B, F, H, W, 3)`` uint8 to ``(B, 3, F, H, W)`` in [−1, 1]."""
    return stored.permute(0, 4, 1, 2, 3).float() / 127.5 - 1


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
