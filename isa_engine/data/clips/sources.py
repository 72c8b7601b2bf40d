"""Where clips come from. One seed, one clip."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from isa_engine.body import open_body
from isa_engine.data.clips.clip import Clip
from isa_engine.data.clips.synthetic import SyntheticHumans
from isa_engine.data.scenario.split import TRAINING, Split
from isa_engine.whole_file import whole_file

FPS = 24.0
# Of the random streams that tell whether a background has the cast's shadows, and what a reference shows.
_SHADOWS, _REFERENCES = 1, 2
# Frames from a clip's last one to the picture of the scene itself that is its reference.
_LATER = 24


def synthetic_humans(points: int, device: torch.device | str, split: Split = TRAINING) -> SyntheticHumans:
    """The generator on the open body."""
    return SyntheticHumans(open_body(), points, device, split)


def synthetic_clips(points: int, device: torch.device | str) -> Callable[[int, int, int, int], Clip]:
    """``clips(seed, frames, height, width)`` → a clip to learn from.

    In half of them the background has the cast's shadows already, as where the add-on renders it; in the
    others they are left to the model, as where an artist gives a picture. In half of them the reference is a
    picture of the scene itself, a second later, as an artist takes it from the viewport; in the others it is
    of another day.
    """
    humans = synthetic_humans(points, device)

    def clip(seed: int, *size: int) -> Clip:
        # Streams of their own: the clip itself is that of ``SyntheticHumans``.
        of_the_scene, shadows_given = (
            np.random.default_rng([seed, which]).random() < 0.5 for which in (_REFERENCES, _SHADOWS)
        )
        if of_the_scene:
            made = humans.clip_with_its_own_picture(seed, *size, later=_LATER, fps=FPS)
        else:
            made = humans.clip(seed, *size, fps=FPS)
        return replace(made, background=made.shaded) if shadows_given else made

    return clip


def videos_of(clips: Callable[[int, int, int, int], Clip]) -> Callable[[int, int, int, int], Tensor]:
    """``videos(seed, frames, height, width)`` → colours and matte of the clip, as ``VideoBatches`` wants."""
    return lambda seed, *size: with_matte(clips(seed, *size))


class KeptVideos:
    """The same few videos again and again, made when first drawn and kept in a file, in eight bits.

    Args:
        videos: makes them.
        folder: of the files.
        count: different videos of each size.
    """

    def __init__(self, videos: Callable[[int, int, int, int], Tensor], folder: Path, count: int):
        self.videos, self.folder, self.count = videos, folder, count
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, seed: int, frames: int, height: int, width: int) -> Tensor:
        number = seed % self.count
        path = self.folder / f"{width}x{height}x{frames}-{number}.npy"
        if not path.exists():
            video = self.videos(number, frames, height, width)
            with whole_file(path, shared=True) as partial, open(partial, "wb") as file:
                np.save(file, ((video + 1) * 127.5).round().clamp(0, 255).byte().cpu().numpy())
        return torch.from_numpy(np.load(path, allow_pickle=False)).float() / 127.5 - 1


def with_matte(clip: Clip) -> Tensor:
    """A clip's video and, as a fourth colour, its matte: ``(4, F, H, W)`` in [−1, 1]."""
    return torch.cat([clip.video, (clip.mask > 0).to(clip.video)[None] * 2 - 1])
