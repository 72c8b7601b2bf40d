"""Several processes, of one host or of many, that denoise the same take side by side: each makes its share of
an evaluation, and all get all of it.

Tensors go by ``torch.distributed``. Where another process is lost, each that is left goes on alone, from the
evaluation that it was in. One that hangs is lost after the group's timeout, which whoever makes the group
sets (``init_process_group``): longer than a layer takes.
"""

import logging

import torch
import torch.distributed as dist
from torch import Tensor

from isa_engine.dit import Conditioning
from isa_engine.dit.background_gate import Prediction
from isa_engine.geometry.temporal_windows import Share, shares
from isa_engine.pipeline.model import Model

log = logging.getLogger(__name__)


class SpreadOverProcesses:
    """A network (``pipeline.velocity.PointNetwork``) of this process and those of its group.

    Args:
        model: this process's, of the same weights in each.

    Attributes:
        alone: whether another process was lost.
    """

    def __init__(self, model: Model):
        self.model, self.alone = model, False
        self._moved_at: tuple[Tensor, Tensor] | None = None

    def __call__(
        self,
        latents: Tensor,
        timestep: Tensor,
        conditioning: Conditioning,
        points: list[Tensor] | None = None,
    ) -> Prediction:
        """As ``Model.predict``; points are this process's, and moved once more where another one is lost, at
        the latents at which they were."""
        reads = bool(points)
        if points is not None and not reads:
            self._moved_at = latents, timestep
        windows = self.model.dit.windows(latents.shape[2])
        dealt = [] if windows is None or self.alone else shares(windows, dist.get_world_size())
        # A group in which some have no share would wait for them: then each makes all of it.
        if len(dealt) < 2 or len(dealt) < dist.get_world_size():
            return self.model.predict(latents, timestep, conditioning, points)
        group = _Group()
        own = dealt[group.number]
        told = latents[:, :, own.first : own.last], timestep, conditioning, group, points
        try:
            return _gathered(self.model.predict_share(*told), dealt, group.number)
        except RuntimeError as error:
            if not _lost(error):
                raise
            log.warning("another process is lost: this one goes on alone")
            self.alone = True
            if points is not None:
                points.clear()
            if reads:
                self.model.predict(*self._moved_at, conditioning, points)
            return self.model.predict(latents, timestep, conditioning, points)


class _Group:
    """A process's ``dit.shared_windows.Neighbours``."""

    def __init__(self):
        self.number, self.count = dist.get_rank(), dist.get_world_size()
        self.before = self.number - 1 if self.number else None
        self.after = self.number + 1 if self.number < self.count - 1 else None

    def back(self, lent: Tensor, borrowed: Tensor) -> Tensor:
        return _passed(lent, self.before, borrowed, self.after)

    def on(self, given: Tensor, taken: Tensor) -> Tensor:
        return _passed(given, self.after, taken, self.before)

    def from_first(self, tokens: Tensor) -> Tensor:
        # Not in place: what others give is a view of their own tokens.
        tokens = tokens.clone(memory_format=torch.contiguous_format)
        dist.broadcast(tokens, 0)
        return tokens


def _passed(given: Tensor, to: int | None, like: Tensor, source: int | None) -> Tensor:
    """What another process gave, while this one gives to a third."""
    given = given.contiguous()
    sent = None if to is None else dist.isend(given, to)
    taken = like
    if source is not None:
        taken = torch.empty(like.shape, dtype=like.dtype, device=like.device)
        dist.recv(taken, source)
    if sent is not None:
        sent.wait()
    return taken


def _gathered(mine: Prediction, dealt: list[Share], number: int) -> Prediction:
    """The whole of all processes' shares."""
    found = []
    for part in mine:
        if part is None:
            return Prediction(found[0])
        whole = []
        for place, share in enumerate(dealt):
            size = (*part.shape[:2], share.last - share.first, *part.shape[3:])
            piece = part.contiguous() if place == number else part.new_empty(size)
            dist.broadcast(piece, place)
            whole.append(piece)
        found.append(torch.cat(whole, 2))
    return Prediction(*found)


def _lost(error: RuntimeError) -> bool:
    """Whether it is the connection that failed, and not this process's own work."""
    said = str(error).lower()
    return any(word in said for word in ("connection", "gloo", "nccl", "timed out", "socket"))
