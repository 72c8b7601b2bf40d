"""A second kind of model, for tests: it paints a disc where each character is, in the colour of its prompt.
Others of this kind can be added to a machine: folders that say how large their discs are.

It shares nothing with the house's own but what ``models.kind`` and ``pipeline.painter`` ask of a kind.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from isa_engine.configuration.policies import PRESETS
from isa_engine.cost.products import Product
from isa_engine.errors import ModelError, ShotError
from isa_engine.geometry.frames import latent_count, latent_of, segment_latents
from isa_engine.geometry.ndc import project, to_pixels
from isa_engine.models import HERE, MISSING, Kind, Way
from isa_engine.models.added import Added, File, Running, added, added_names
from isa_engine.models.kind import Source, memory_apart
from isa_engine.pipeline.painter import Part
from isa_engine.pipeline.progress import Progress
from isa_engine.results.record import GENERATED, sha256

NAME, SIZES = "discs", "discs.json"
SOURCES = {"large-discs": Source("painters/large-discs", (SIZES,))}
SIDE, RADIUS = 4, 6
CPU = torch.device("cpu")
COLOURS = {"": (0.2, 0.2, 0.2), "red": (1.0, -1.0, -1.0), "blue": (-1.0, -1.0, 1.0)}


@dataclass(frozen=True)
class Described:
    name: str = NAME
    kind: str = "discs"
    state: str = HERE
    licence: str = "CC0-1.0"
    short_side: int = 48
    multiple: int = SIDE
    detail: int = 1
    max_frames: int = 21
    longest: int | None = 60
    fps: float | None = 12.0
    people: int | None = 2
    points: int = 0
    controls: tuple[str, ...] = ()
    prompted: bool = True
    one_by_one: bool = True
    steering: tuple[str, ...] = ()
    painted: tuple[str, ...] = ()
    lays_over: bool = False
    shared: bool = False
    presets = PRESETS
    size: float = 1.0

    def operations(self, work) -> dict[str, int]:
        return {"encode": 1, "denoise": work.steps, "decode": work.frames}

    def tokens(self, work) -> dict[str, int]:
        return {"discs": work.characters}

    def step(self, work) -> list[Product]:
        return [Product("disc", work.frames, work.height, work.width, work.characters)]

    def ways(self, work, device) -> tuple[Way, ...]:
        ways = Way("whole", 2.0**20), Way("half", 2.0**19, 2.0**20)
        return ways if memory_apart(device) else ways[:1]

    def lighter(self) -> None:
        pass

    def tiles(self, width, height) -> tuple[()]:
        return ()

    def memory_beside(self, work) -> float:
        return 2.0**10

    def facts(self) -> dict[str, Any]:
        return {"state": self.state}


def names() -> tuple[str, ...]:
    return NAME, *added_names("discs")


def describe(name: str) -> Described | None:
    if name == NAME:
        return Described()
    found = added(name)
    if found is None or found.kind != "discs":
        return None
    return Described(name, state=HERE if found.whole() else MISSING, licence=found.licence)


def told(name: str, facts: dict[str, Any]) -> Described:
    return Described(name, **facts)


KIND = Kind(names, describe, told, __name__, adding=__name__, sources=SOURCES)


def recognise(folder: Path) -> None:
    if not (folder / SIZES).is_file():
        problem = f"there is no {SIZES}"
        raise ModelError(problem, where=str(folder), remedy="Choose the folder of a painter of discs.")


def examine(folder: Path, licence: str, running: Running, report: Callable[[str], None]) -> Added:
    recognise(folder)
    if running.loras:
        raise ModelError("discs cannot be changed", remedy="Leave out --lora.")
    report(SIZES)
    path = folder / SIZES
    files = {SIZES: File(path.stat().st_size, sha256(path))}
    return Added(
        "discs", str(folder.resolve()), licence, files, {"brush": json.loads(path.read_text())}, {}, running
    )


@dataclass(frozen=True)
class Discs:
    name: str = NAME
    kind: str = "discs"
    trained: bool = True
    weights: str = "d15c" * 16
    device: torch.device = CPU
    max_frames: int = 21
    matte: str = GENERATED
    controls: tuple[str, ...] = ()
    steering: tuple[str, ...] = ()
    painted: tuple[str, ...] = ()
    shift: float = 2.0
    temperature: float = 1.0
    radius: int = RADIUS

    def told(self) -> dict[str, Any]:
        return {"radius": self.radius}


def load(name: str, device: str) -> Discs:
    found = added(name)
    return Discs() if found is None else Discs(name, radius=found.configs["brush"]["radius"])


def compiled(model: Discs) -> Discs:
    return model


def parameters(name: str) -> dict[str, dict[str, int]]:
    return {"brush": {"radius": 1}}


def parts(shot, model, segment: int, again: Tensor, report) -> list[Part]:
    return [Part((0, len(again)), again[:, None, None])]


def conditions(shot, model, segment: int, part: Part, latents: Tensor, report) -> Tensor:
    """What is to be painted: ``(1, 3, t, h, w)``."""
    report(Progress("encode", 0, 1))
    part = shot.segment(segment)
    size = part.settings.width, part.settings.height
    if any(side % SIDE for side in size):
        raise ShotError(f"{size} are no multiples of {SIDE}", where="settings")
    target = torch.full(latents_shape(shot, model, part.frames), -0.5)
    columns, rows = (torch.arange(side // SIDE) * SIDE + SIDE / 2 for size in [size] for side in size)
    for latent in range(target.shape[2]):
        frame = min(4 * latent, part.frames - 1)
        for character in part.characters:
            middle = character.points[frame].astype(float).mean(0)
            x, y = to_pixels(project(middle[None], part.mvp[frame])[0], size)[0]
            inside = (columns[None] - x) ** 2 + (rows[:, None] - y) ** 2 <= model.radius**2
            colour = torch.tensor(COLOURS[character.prompt])
            target[0, :, latent] = torch.where(inside, colour[:, None, None], target[0, :, latent])
    report(Progress("encode", 1, 1))
    return target


def latents_shape(shot, model, frames: int) -> tuple[int, ...]:
    return 1, 3, latent_count(frames), shot.settings.height // SIDE, shot.settings.width // SIDE


def velocity(shot, model, conditions: Tensor, memory):
    return lambda latents, time, step: (conditions - latents) / time


def preview(estimate: Tensor, model) -> Image.Image:
    return Image.fromarray(_picture(estimate[0, :, 0]))


def frames(latents: Tensor, model, shot, span, report):
    return _plate(latents, shot, span, report), _matte(latents, shot, span)


def _plate(latents: Tensor, shot, span, report) -> Iterator[np.ndarray]:
    for done, latent in enumerate(_latents(shot, span)):
        report(Progress("decode", done, shot.frames))
        yield _picture(latents[0, :, latent])


def _matte(latents: Tensor, shot, span) -> Iterator[np.ndarray]:
    for latent in _latents(shot, span):
        there = (latents[0, :, latent] + 0.5).abs().amax(0) > 0.1
        yield _picture(torch.where(there, 1.0, -1.0).expand(3, -1, -1))


def _latents(shot, span) -> Iterator[int]:
    """The latent of each frame of a span, or of all."""
    for (first, _), frames in zip(segment_latents(shot.segments), shot.segments, strict=True):
        for frame in range(frames):
            latent = first + latent_of(frame)
            if span is None or span[0] <= latent < span[1]:
                yield latent


def _picture(latent: Tensor) -> np.ndarray:
    levels = ((latent.clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
    return levels.repeat(SIDE, 0).repeat(SIDE, 1)
