"""The segments of a take, and which latents of each are made: all, or some beside what an earlier take had.

A segment is sampled in parts (``Painter.parts``), one after the other: a part sees what was made before it.
Latents that are kept go through the denoising beside those that are made, so that the network sees them at
each time t as noisy as the rest: ``x_t = (1 − t) · kept + t · ε``, with the ε that the seed gives them. That
is nearly where they were when they were made; so where nothing has changed, the same seed makes nearly the
same picture again.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from isa_engine.errors import ShotError
from isa_engine.geometry.frames import segment_latents
from isa_engine.pipeline.painter import Loaded, Part, painter_of
from isa_engine.pipeline.sampling import Velocity, initial_noise
from isa_engine.shot import Shot


@dataclass(frozen=True)
class Segment:
    """What lies between two cuts.

    Attributes:
        noise: ``(1, C, l + t, h, w)``. Some models sample l latents along with the segment's, before them,
            which are no frames of the take (``Part.along``).
        latents: ``(1, C, t, h, w)``, finished: of an earlier take, and of the parts that are done.
        again: ``(t,)`` bool, those that are made.
    """

    noise: Tensor
    latents: Tensor
    again: Tensor

    def noise_of(self, part: Part) -> Tensor:
        """From which a part is sampled, with what is sampled along: ``(1, C, along + made, h, w)``."""
        before = self.noise.shape[2] - self.latents.shape[2]
        first, last = part.span
        return self.noise[:, :, [*range(part.along), *range(before + first, before + last)]]

    def hold(self, velocity: Velocity, part: Part) -> Velocity:
        """A part's velocity, under which what is kept ends where it was: there it is ``(kept − x_t) / t``,
        whatever the network says."""
        there = self.latents[:, :, slice(*part.span)]
        along = torch.zeros_like(there[:, :, :1]).expand(-1, -1, part.along, -1, -1)
        made, kept = _with_along(part), torch.cat([along, there], 2)

        def held(latents: Tensor, time: Tensor, step: int) -> Tensor:
            return torch.where(made, velocity(latents, time, step), (kept - latents) / time)

        return held

    def after(self, sampled: Tensor, part: Part) -> "Segment":
        """The segment once a part of it is sampled; elsewhere its latents are what they were, bit for bit.

        Args:
            sampled: of the shape of ``noise_of`` of that part.
        """
        first, last = part.span
        there = self.latents[:, :, first:last]
        found = torch.where(part.made, sampled[:, :, part.along :], there)
        return replace(
            self, latents=torch.cat([self.latents[:, :, :first], found, self.latents[:, :, last:]], 2)
        )


def shown(estimate: Tensor, part: Part) -> Tensor:
    """Of an estimate of a part the first latent that is made, ``(1, C, 1, h, w)``."""
    first = part.along + int(part.made.flatten(1).any(1).nonzero()[0])
    return estimate[:, :, first : first + 1]


def segments_of(shot: Shot, model: Loaded) -> list[Segment]:
    """On the model's device.

    Raises:
        ShotError: what the shot keeps was made with other weights, or for another canvas.
    """
    painter, found = painter_of(model), []
    for frames, (first, last) in zip(shot.segments, segment_latents(shot.segments), strict=True):
        shape = painter.latents_shape(shot, model, frames)
        noise = initial_noise(shape, shot.settings.seed, model.temperature)
        if shot.kept is None:
            kept, again = torch.zeros_like(noise[:, :, : last - first]), torch.ones(last - first).bool()
        else:
            _check(shot, model, noise)
            kept = torch.from_numpy(shot.kept.latents[None, :, first:last].copy())
            again = torch.from_numpy(shot.kept.again[first:last].copy())
        found.append(Segment(*(each.to(model.device) for each in (noise, kept, again))))
    return found


def _with_along(part: Part) -> Tensor:
    """A part's mask with what is sampled along, all of which is made."""
    return torch.cat([part.made.new_ones(part.along, *part.made.shape[1:]), part.made])


def _check(shot: Shot, model: Loaded, noise: Tensor) -> None:
    where, remedy = "what is kept of a take", "Generate it whole."
    if shot.kept.weights != model.weights:
        problem = f"the take was made with other weights of '{shot.settings.model}' than this engine has"
        raise ShotError(problem, where=where, remedy=remedy)
    channels, _, *size = shot.kept.latents.shape
    if (channels, *size) != (noise.shape[1], *noise.shape[3:]):
        raise ShotError("the take was made for another canvas", where=where, remedy=remedy)
