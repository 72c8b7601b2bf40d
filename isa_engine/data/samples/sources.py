"""Where samples come from: clips made into them, a few kept in files, batches of one length and canvas.

One seed, one sample.
"""

import hashlib
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from isa_engine.data.clips.clip import Clip
from isa_engine.data.clips.clip_batch import ClipBatch, batch_of
from isa_engine.data.samples.encoding import Sample, encode_batch
from isa_engine.data.samples.staged_batch import stage_clips
from isa_engine.dit import Conditioning
from isa_engine.geometry.frames import latent_count
from isa_engine.networks.tensors import write_safetensors
from isa_engine.pipeline.isa.model import Model
from isa_engine.whole_file import whole_file

# ``clips(seed, frames, height, width)`` gives a clip.
ClipSource = Callable[[int, int, int, int], Clip]
# ``samples(seeds, frames, height, width)`` gives one of so many clips.
SampleSource = Callable[[list[int], int, int, int], Sample]


class Samples:
    """``samples(seeds, frames, height, width)`` → a ``Sample`` of so many clips.

    Args:
        model: its autoencoder makes the latents.
        clips: of all points, for a model that reprojects.
        points: surface points a character in a sample, the clips' first.
    """

    def __init__(self, model: Model, clips: ClipSource, points: int):
        self.model, self.clips, self.points = model, clips, points

    def __call__(self, seeds: list[int], frames: int, height: int, width: int) -> Sample:
        clips = ClipBatch.concatenate([batch_of(self.clips(seed, frames, height, width)) for seed in seeds])
        staged = stage_clips(clips.first_points(self.points), self.model)
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
                write_safetensors(tensors, partial)
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
    characters = max(c.owners.shape[1] for c in conditions)
    tokens = max(c.image_tokens.shape[1] for c in conditions)
    return (
        torch.cat([latents for latents, *_ in samples]),
        Conditioning.concatenate([padded(c, points, characters, tokens) for c in conditions]),
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


def padded(conditioning: Conditioning, points: int, characters: int, tokens: int) -> Conditioning:
    """The same with invisible points, characters without any, and unknown image tokens up to these counts."""
    return replace(
        conditioning,
        points=_pad(conditioning.points, 2, points),
        ndc=_pad(conditioning.ndc, 2, points),
        visible=_pad(conditioning.visible, 2, points),
        identity=_pad(conditioning.identity, 1, points),
        identity_known=_pad(conditioning.identity_known, 1, points),
        owners=_pad(_pad(conditioning.owners, 2, points), 1, characters),
        image_tokens=_pad(conditioning.image_tokens, 1, tokens),
        image_known=_pad(conditioning.image_known, 1, tokens),
    )


def _pad(value: Tensor, axis: int, count: int) -> Tensor:
    """A tensor with zeros at the end of an axis, up to this many there."""
    shape = list(value.shape)
    shape[axis] = count - shape[axis]
    return torch.cat([value, value.new_zeros(shape)], axis)
