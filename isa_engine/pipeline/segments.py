"""The segments of a take, and which latents of each are made: all, or some beside what an earlier take had.

What stays is held where it is and seen by what is made. Only the span that is made, and what the model must
see about it, go through the network (``Painter.about``). What is held there has at each time just so much of
its own noise as the rest, as in the earlier take's denoising: so the same seed leads the span along the same
way, and where nothing has changed to nearly the same picture.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from isa_engine.errors import ShotError
from isa_engine.geometry.frames import segment_latents
from isa_engine.pipeline.painter import Loaded, Span, painter_of
from isa_engine.pipeline.sampling import Velocity, initial_noise
from isa_engine.shot import Shot


@dataclass(frozen=True)
class Segment:
    """What lies between two cuts.

    Attributes:
        noise: ``(1, C, l + t, h, w)``; l latents are sampled along, before those of the segment.
        kept: ``(1, C, t, h, w)`` finished latents of an earlier take.
        again: ``(t,)`` bool, those that are made.
    """

    noise: Tensor
    kept: Tensor
    again: Tensor

    @property
    def span(self) -> Span:
        """``[first, last)`` of all that is made."""
        made = self.again.nonzero()
        return int(made[0]), int(made[-1]) + 1

    def about(self, span: Span) -> "Segment":
        """A part of it as a segment."""
        first, last = span
        places = [*range(self._along), *range(self._along + first, self._along + last)]
        return Segment(self.noise[:, :, places], self.kept[:, :, first:last], self.again[first:last])

    def hold(self, velocity: Velocity) -> Velocity:
        """A velocity that moves what is kept straight to where it was, whatever the network would do."""
        along = self._along
        made = torch.cat([self.again.new_ones(along), self.again])[:, None, None]
        kept = torch.cat([torch.zeros_like(self.noise[:, :, :along]), self.kept], 2)

        def held(latents: Tensor, time: Tensor, step: int) -> Tensor:
            return torch.where(made, velocity(latents, time, step), (kept - latents) / time)

        return held

    def shown(self, estimate: Tensor) -> Tensor:
        """An estimate of noise's shape from the first latent on that is made; what is sampled along stays."""
        return torch.cat([estimate[:, :, : self._along], estimate[:, :, self._along + self.span[0] :]], 2)

    def joined(self, latents: Tensor, span: Span) -> Tensor:
        """All finished latents: those of a span that were made, and elsewhere what is kept, bit for bit."""
        first, last = span
        before, after = self.kept[:, :, :first], self.kept[:, :, last:]
        made = self.again[first:last, None, None]
        return torch.cat([before, torch.where(made, latents, self.kept[:, :, first:last]), after], 2)

    @property
    def _along(self) -> int:
        return self.noise.shape[2] - self.kept.shape[2]


def segments_of(shot: Shot, model: Loaded) -> list[Segment]:
    """On the model's device.

    Raises:
        ShotError: what the shot keeps was made with other weights, or for another canvas.
    """
    painter, found = painter_of(model), []
    for frames, (first, last) in zip(shot.segments, segment_latents(shot.segments), strict=True):
        noise = initial_noise(painter.latents_shape(shot, model, frames), shot.settings.seed)
        if shot.kept is None:
            kept, again = torch.zeros_like(noise[:, :, : last - first]), torch.ones(last - first).bool()
        else:
            _check(shot, model, noise)
            kept = torch.from_numpy(shot.kept.latents[None, :, first:last].copy())
            again = torch.from_numpy(shot.kept.again[first:last].copy())
        found.append(Segment(*(each.to(model.device) for each in (noise, kept, again))))
    return found


def _check(shot: Shot, model: Loaded, noise: Tensor) -> None:
    where, remedy = "what is kept of a take", "Generate it whole."
    if shot.kept.weights != model.weights:
        problem = f"the take was made with other weights of '{shot.settings.model}' than this engine has"
        raise ShotError(problem, where=where, remedy=remedy)
    channels, _, *size = shot.kept.latents.shape
    if (channels, *size) != (noise.shape[1], *noise.shape[3:]):
        raise ShotError("the take was made for another canvas", where=where, remedy=remedy)
