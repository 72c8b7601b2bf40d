"""Synthetic humans into shards: the same seed gives the same bytes, with any number of processes.

A run that was stopped goes on after its last whole shard.
"""

import json
import multiprocessing
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from isa_engine.body import open_body
from isa_engine.data.clips.synthetic import SyntheticHumans
from isa_engine.data.recordings.media import EXACT
from isa_engine.data.recordings.members import pack
from isa_engine.data.recordings.recording import Recording, fingerprint
from isa_engine.data.recordings.shards import shard_index, shard_path, write_shard
from isa_engine.data.rendering.filming import Actor
from isa_engine.data.scenario import split
from isa_engine.errors import DataError, reason
from isa_engine.geometry.surface import POINTS

FPS = 24.0
SETTINGS_FILE = "synthesis.json"
Members = dict[str, bytes]


@dataclass(frozen=True)
class Synthesis:
    """What determines the bytes of the shards.

    Attributes:
        seed: of the whole; clip i has the seed ``seed + i``.
        frames: lengths to draw from.
        sizes: canvases ``(width, height)`` to draw from.
        split: name of a ``data.scenario.split.Split``.
        per_shard: clips.
    """

    seed: int
    frames: tuple[int, ...]
    sizes: tuple[tuple[int, int], ...]
    split: str = split.TRAINING.name
    per_shard: int = 64

    def __post_init__(self):
        if self.seed < 0 or self.per_shard < 1 or min(self.frames) < 1:
            raise DataError("a seed, a length or a number of clips is negative or zero")
        if any(min(size) < 8 or size[0] % 2 or size[1] % 2 for size in self.sizes):
            raise DataError("a canvas is odd or smaller than 8 pixels", remedy="Use even sizes.")


def synthesize(
    folder: Path,
    clips: int,
    settings: Synthesis,
    device: str = "cpu",
    workers: int = 1,
    report: Callable[[int, int], None] = lambda done, clips: None,
) -> None:
    """Write the clips that are not there yet.

    Args:
        folder: made if missing; shards that are whole are kept.
        report: called with the clips that are done and those wanted after each one; raises ``Cancelled`` to
            stop.

    Raises:
        DataError: there is nothing to render or nobody who does, or the folder holds shards of other
            settings, or cannot be written.
    """
    if clips < 1 or workers < 1:
        problem = f"{clips} clips by {workers} processes are none"
        raise DataError(problem, remedy="Give at least one of each.")
    _claim(folder, settings)
    done = clips
    for first in range(0, clips, settings.per_shard):
        shard = shard_path(folder, first // settings.per_shard)
        if not shard.exists() or len(shard_index(shard)) < min(settings.per_shard, clips - first):
            done = first
            break
    report(done, clips)
    with _made(range(done, clips), settings, device, workers) as samples:
        while done < clips:
            count = min(settings.per_shard, clips - done)

            def shard_samples(
                first: int = done, count: int = count
            ) -> Iterator[tuple[str, dict[str, bytes]]]:
                for i in range(first, first + count):
                    yield f"synthetic-{settings.split}-{settings.seed + i:09d}", next(samples)
                    report(i + 1, clips)

            done += write_shard(shard_path(folder, done // settings.per_shard), shard_samples())


def recorded(humans: SyntheticHumans, seed: int, frames: int, height: int, width: int) -> Recording:
    """The clip of a seed as data sets keep it."""
    clip, actors, others = humans.clip_and_cast(seed, frames, height, width, fps=FPS)

    def stacked(name: str, cast: list[Actor], axis: int) -> np.ndarray:
        return torch.stack([getattr(actor, name) for actor in cast], axis).cpu().numpy()

    faces = {}
    if actors[0].expression is not None:
        faces = {
            "expression": stacked("expression", actors, 1),
            "reference_expression": stacked("expression", others, 1)[0],
        }

    return Recording(
        video=_pixels(clip.video),
        background=_pixels(clip.background),
        mask=clip.mask.to(torch.uint8).cpu().numpy(),
        fps=clip.fps,
        intrinsics=clip.intrinsics.cpu().numpy(),
        camera_to_world=clip.camera_to_world.cpu().numpy(),
        camera_known=True,
        body=fingerprint(open_body()),
        betas=stacked("betas", actors, 0),
        rotations=stacked("rotations", actors, 1),
        translation=stacked("translation", actors, 1),
        references=_pixels(clip.references.transpose(0, 1)),
        reference_of=clip.reference_of.cpu().numpy(),
        reference_rotations=stacked("rotations", others, 1)[0],
        reference_translation=stacked("translation", others, 1)[0],
        reference_intrinsics=clip.reference_intrinsics.cpu().numpy(),
        reference_camera_to_world=clip.reference_camera_to_world.cpu().numpy(),
        **faces,
        split=humans.split.name,
        source={
            "kind": "synthetic",
            "seed": seed,
            "takes": [actor.motion for actor in actors],
            "reference_takes": [actor.motion for actor in others],
            "looks": [list(actor.look.garments) for actor in actors],
        },
    )


def _pixels(picture: Tensor) -> np.ndarray:
    """``(3, F, H, W)`` in [−1, 1] to ``(F, H, W, 3)`` uint8."""
    return ((picture + 1) * 127.5).round().clamp(0, 255).byte().permute(1, 2, 3, 0).cpu().numpy()


def _claim(folder: Path, settings: Synthesis) -> None:
    """Note the settings in a new folder; a folder of others is refused."""
    path, ours = folder / SETTINGS_FILE, json.loads(json.dumps(asdict(settings)))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            if any(folder.glob("*.tar")):
                remedy = "Choose an empty folder."
                raise DataError("there are other shards in the folder", where=str(folder), remedy=remedy)
            path.write_text(json.dumps(ours, indent=1))
        elif json.loads(path.read_text()) != ours:
            remedy = "Choose another folder, or the settings that it was begun with."
            raise DataError("the folder was begun with other settings", where=str(path), remedy=remedy)
    except (OSError, ValueError) as error:
        raise DataError(f"cannot use the folder: {reason(error)}", where=str(path)) from error


@contextmanager
def _made(numbers: range, settings: Synthesis, device: str, workers: int) -> Iterator[Iterator[Members]]:
    """Members of these clips in their order, made ahead by other processes where there are several."""
    if workers == 1 or len(numbers) < 2:
        threads = torch.get_num_threads()
        _prepare(settings, device)
        try:
            yield map(_make, numbers)
        finally:
            torch.set_num_threads(threads)
    else:
        # Forked processes cannot use a GPU that their parent has touched.
        context = multiprocessing.get_context("spawn")
        with context.Pool(min(workers, len(numbers)), _prepare, (settings, device)) as pool:
            yield pool.imap(_make, numbers)


_humans: SyntheticHumans
_settings: Synthesis


def _prepare(settings: Synthesis, device: str) -> None:
    """Make a process ready for ``_make``."""
    global _humans, _settings
    if multiprocessing.parent_process() is not None:
        # Ctrl-C reaches parent and children; the parent ends the children in order.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    # With another number of threads sums come out differently, and so would the bytes.
    torch.set_num_threads(1)
    splits = {each.name: each for each in split.SPLITS}
    _humans, _settings = SyntheticHumans(open_body(), POINTS, device, splits[settings.split]), settings


def _make(number: int) -> Members:
    seed = _settings.seed + number
    random = np.random.default_rng([_humans.split.stream, seed, 1])
    frames = int(random.choice(_settings.frames))
    width, height = _settings.sizes[random.integers(len(_settings.sizes))]
    return pack(recorded(_humans, seed, frames, height, width), EXACT)
