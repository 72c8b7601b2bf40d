"""How a model of any kind makes a video: what generation, farm and cluster ask of it, and nothing else.

A kind's painter is a module with the functions of ``Painter``; ``models.KINDS`` says which. A loaded model is
whatever that module's ``load`` returns, as long as it tells what ``Loaded`` does.
"""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from PIL import Image
from torch import Tensor

from isa_engine.models import KINDS, describe
from isa_engine.pipeline.progress import Report
from isa_engine.pipeline.sampling import Velocity
from isa_engine.pipeline.velocity.memory import Memory
from isa_engine.results.record import Maker
from isa_engine.shot import Shot

# ``[first, last)`` of a take's latents, one of ``decoding_spans``.
Span = tuple[int, int]


@dataclass(frozen=True)
class Part:
    """What of a segment is sampled at once.

    Attributes:
        span: of the segment's latents, those that the network sees.
        made: ``(t, 1, 1)`` or ``(t, h, w)`` bool: those of them that are made; the others are held where they
            are.
        along: so many latents more are sampled with them, before them, and thrown away.
    """

    span: Span
    made: Tensor
    along: int = 0


class Loaded(Maker, Protocol):
    """A model on a device.

    Attributes:
        kind: of ``models.KINDS``.
        shift: of the time schedule towards noise; 1 is uniform (``sampling.sample``).
        temperature: of the noise that denoising begins with (``sampling.initial_noise``).
    """

    kind: str
    shift: float
    temperature: float


class Painter(Protocol):
    """What the module of a kind has."""

    def load(self, name: str, device: str) -> Loaded:
        """
        Raises:
            ModelError: there is no such device, or a file or tensor does not fit; it is named.
        """
        ...

    def parameters(self, name: str) -> dict[str, dict[str, int]]:
        """How many numbers each of the named model's networks has, by part; its weights are not read."""
        ...

    def compiled(self, model: Any) -> Any:
        """The model, compiled as far as it can be; where nothing can, as it was, and the log says why."""
        ...

    def parts(self, shot: Shot, model: Any, segment: int, again: Tensor, report: Report) -> list[Part]:
        """In which parts a segment is sampled, one after the other.

        Args:
            segment: its number.
            again: ``(t,)`` bool of its latents, those that are to be made; at least one.
            report: called where this takes long, in phase "encode".

        Raises:
            ShotError: the shot does not suit the model.
            Cancelled: by ``report``.
        """
        ...

    def conditions(
        self, shot: Shot, model: Any, segment: int, part: Part, latents: Tensor, report: Report
    ) -> Any:
        """All that the model is told of a part, on its device.

        Args:
            latents: ``(1, C, t, h, w)`` of the segment, with what the parts before have made.
            report: called from the beginning to the end, in phase "encode".

        Raises:
            ShotError: the shot does not suit the model, or a picture in it is damaged.
            Cancelled: by ``report``.
        """
        ...

    def latents_shape(self, shot: Shot, model: Any, frames: int) -> tuple[int, ...]:
        """``(1, C, t, h, w)`` of so many of the shot's frames, with the most that is sampled along."""
        ...

    def velocity(self, shot: Shot, model: Any, conditions: Any, memory: Memory) -> Velocity:
        """What moves the latents of a part, under the shot's settings.

        Args:
            memory: of a policy; empty, or a checkpoint's.
        """
        ...

    def preview(self, estimate: Tensor, model: Any) -> Image.Image:
        """A frame of an estimate of one latent, ``(1, C, 1, h, w)``."""
        ...

    def frames(
        self, latents: Tensor, model: Any, shot: Shot, span: Span | None, report: Report
    ) -> tuple[Iterator[np.ndarray], Iterator[np.ndarray] | None]:
        """Plate and matte of a span of the whole take's finished latents, or of all of them: frames
        ``(H, W, 3)`` uint8, the matte's white where the cast is; None where it is the projected body. One
        after the other is made as it is asked for.

        Raises:
            ShotError: the background is damaged.
        """
        ...


def load_model(name: str, device: str = "auto", compiled: bool = False) -> Loaded:
    """The named model, of whatever kind, ready to generate.

    Args:
        device: "auto" takes a GPU if there is one.
        compiled: whether to compile it, as far as it can be.

    Raises:
        ModelError: no such model or device, or a file or tensor that does not fit; it is named.
    """
    painter = _module(describe(name).kind)
    model = painter.load(name, device)
    return painter.compiled(model) if compiled else model


def parameters(name: str) -> dict[str, dict[str, int]]:
    """The named model's, as of ``Painter.parameters``.

    Raises:
        ModelError: there is no such model.
    """
    return _module(describe(name).kind).parameters(name)


def painter_of(model: Loaded) -> Painter:
    """The painter of a model's kind, a module of its pipeline."""
    return _module(model.kind)


def _module(kind: str) -> Any:
    return importlib.import_module(KINDS[kind].painter)
