"""How long a take may be: how well longer and longer videos obey, with attention across time whole or in
windows.
"""

import copy
from collections import defaultdict
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from isa_engine.cost.generation import Work, denoising
from isa_engine.data.samples.encoding import condition_clip
from isa_engine.errors import ModelError
from isa_engine.evaluation.candidates.videos import (
    Sampling,
    decoded,
    denoised,
    through_autoencoder,
)
from isa_engine.evaluation.held_out.clips import HeldOut, HeldOutClip
from isa_engine.evaluation.held_out.kinds import ONE
from isa_engine.evaluation.measures.fidelity import psnr
from isa_engine.evaluation.measures.peak_memory import peak_memory
from isa_engine.evaluation.measures.silhouette import iou, keyed
from isa_engine.evaluation.reporting.progress import Report
from isa_engine.evaluation.reporting.table import NOTHING, Row, Table, cell_of, mean
from isa_engine.evaluation.tables.speed import now
from isa_engine.geometry.frames import frames_before, latent_count
from isa_engine.pipeline.isa.model import Model

IOU, IN_MASK, BACKGROUND = "silhouette IoU", "in-mask PSNR, dB", "background, dB"
DRIFT, JOINTS, OPERATIONS = "drift of colours", "change at joints", "TFLOP"
SECONDS, MEMORY = "seconds", "peak memory, MiB"
_COLUMNS = ("take", IOU, IN_MASK, BACKGROUND, DRIFT, JOINTS, OPERATIONS, SECONDS, MEMORY)
CEILING = "the autoencoder alone"


@dataclass(frozen=True)
class Windowing:
    """How attention across time is windowed, in latents as in ``DiTConfig``; ``window`` None: not at all."""

    window: int | None = None
    stride: int = 4
    anchor: int = 0

    @classmethod
    def parse(cls, text: str) -> "Windowing":
        """Read "whole" or "WINDOW/STRIDE/ANCHOR".

        Raises:
            ModelError: it is neither.
        """
        if text == "whole":
            return cls()
        parts = text.split("/")
        if len(parts) != 3 or not all(part.isdigit() for part in parts):
            remedy = "Give 'whole' or WINDOW/STRIDE/ANCHOR, for instance 9/4/0."
            raise ModelError(f"windows of time are '{text}'", remedy=remedy)
        return cls(*map(int, parts))

    def __str__(self) -> str:
        if self.window is None:
            return "whole"
        return f"windows of {self.window}, stride {self.stride}" + f", anchor {self.anchor}" * (
            self.anchor > 0
        )

    def of(self, model: Model) -> Model:
        """A model with the same weights and this windowing."""
        named = {
            "temporal_window": self.window,
            "temporal_stride": self.stride,
            "temporal_anchor": self.anchor,
        }
        config = replace(model.config, dit=replace(model.config.dit, **named))
        dit = copy.copy(model.dit)
        dit.register_to_config(**named)
        return replace(model, config=config, dit=dit)

    def joints(self, latents: int) -> list[int]:
        """The frames with which a temporal window begins."""
        if self.window is None or latents <= self.window:
            return []
        return [frames_before(first) for first in range(self.stride, latents - self.window, self.stride)]


def length(
    model: Model,
    held_out: HeldOut,
    count: int,
    lengths: list[int],
    windowings: list[Windowing],
    sampling: Sampling,
    report: Report = lambda what, done, of: None,
) -> Table:
    """The table, on clips of one person.

    Args:
        count: clips of each length.
        lengths: frames, each 1 + 4k.
        windowings: each is tried with every length.
    """
    cells: dict[str, dict[str, list]] = defaultdict(lambda: defaultdict(list))
    for frames in lengths:
        report(f"{frames} frames", 0, count * len(windowings))
        for number, clip in enumerate(held_out.long(frames).clips(ONE, count)):
            alone = through_autoencoder(model, clip.clip.video).video
            # All rows are measured at the same frames, even those without windows: what happens in a clip
            # there then changes all alike.
            joints = next(filter(None, (each.joints(latent_count(frames)) for each in windowings)), [])
            _put(cells, f"{frames} frames, {CEILING}", _measured(clip, alone, joints))
            told = condition_clip(clip.clip, model)
            for done, windowing in enumerate(windowings):
                windowed = windowing.of(model)
                with peak_memory(model.device) as peak:
                    began = now(model.device)
                    latents = denoised(windowed, told, clip.seed, sampling)
                    seconds = now(model.device) - began
                video = decoded(windowed, latents).video
                work = Work(frames, held_out.width, held_out.height, 1, sampling.steps, sampling.guidance)
                work = replace(work, policy=sampling.policy)
                found = {
                    **_measured(clip, video, joints),
                    OPERATIONS: denoising(windowed.config, work) / 1e12,
                    SECONDS: seconds,
                    MEMORY: None if peak.bytes is None else peak.bytes / 2**20,
                }
                _put(cells, f"{frames} frames, {windowing}", found)
                report(f"{frames} frames", number * len(windowings) + done + 1, count * len(windowings))
    rows = []
    for name, found in cells.items():
        shown = [mean(cell_of(found.get(column, []))) for column in _COLUMNS[1:]]
        rows.append(Row(name, tuple(NOTHING if value is None else value for value in shown)))
    notes = (
        "Means over clips of one person before a flat screen.",
        "Drift of colours: how far the figure's mean error of colour, of 1, moves from the first eighth of "
        "the take to the last. Change at joints: from frame to frame where windows begin, over "
        "where other latents do; without windows there, too.",
        "TFLOP, seconds, memory: of denoising, as in the table of speed.",
    )
    return Table("Length", _COLUMNS, tuple(rows), notes)


def _measured(clip: HeldOutClip, video: Tensor, joints: list[int]) -> dict[str, float | None]:
    truth, mask = clip.clip.video, clip.mask
    return {
        IOU: iou(keyed(video, clip.screen, clip.tolerance), mask),
        IN_MASK: psnr(video, truth, mask),
        BACKGROUND: psnr(video, truth, ~mask),
        DRIFT: drift(video, truth, mask),
        JOINTS: change_at(video, joints),
    }


def _put(cells: dict[str, dict[str, list]], row: str, found: dict[str, float | None]) -> None:
    for column, value in found.items():
        cells[row][column].append(value)


def drift(video: Tensor, truth: Tensor, mask: Tensor) -> float:
    """How much the error of a figure's mean colour changes in the course of a video.

    Args:
        video, truth: ``(3, F, H, W)`` in [−1, 1].
        mask: ``(F, H, W)`` bool, where the figure is.
    """
    span = max(1, video.shape[1] // 8)

    def error(frames: slice) -> Tensor:
        where = mask[frames]
        return (video[:, frames][:, where] - truth[:, frames][:, where]).mean(1) / 2

    return float((error(slice(-span, None)) - error(slice(span))).abs().mean())


def change_at(video: Tensor, frames: list[int]) -> float | None:
    """Mean change from one frame to the next at some frames, over that at the others; None without any."""
    if not frames:
        return None
    change = (video[:, 1:] - video[:, :-1]).abs().mean((0, 2, 3))
    at = torch.zeros(len(change), dtype=torch.bool)
    at[[frame - 1 for frame in frames]] = True
    # More changes at the beginning of a latent frame than within one, so only such beginnings are compared.
    border = torch.zeros_like(at)
    border[::4] = True
    return float(change[at].mean() / change[border & ~at].mean())
