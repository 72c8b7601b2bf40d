"""Table 1 and Fig. 5: how well the autoencoder keeps a video, and how Gaussian its latents are."""

import dataclasses
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from isa_engine.evaluation.candidates.videos import through_autoencoder
from isa_engine.evaluation.held_out.clips import HeldOut
from isa_engine.evaluation.held_out.kinds import Kind
from isa_engine.evaluation.measures.fidelity import COLUMNS, NOTE, Fidelity, Networks
from isa_engine.evaluation.measures.gaussianity import Gaussianity, gaussianity
from isa_engine.evaluation.measures.grid import border_ratio, corner_ratio
from isa_engine.evaluation.measures.sharpness import sharpness
from isa_engine.evaluation.reporting.plots import plot_latents
from isa_engine.evaluation.reporting.progress import Report
from isa_engine.evaluation.reporting.table import NOTHING, Cell, Row, Table, cell_of
from isa_engine.pipeline.contact_sheet import write_contact_sheet
from isa_engine.pipeline.isa.model import Model

RENDERS = Kind("held-out renders", (1, 2, 3), hard=False)
HALVED, ITSELF = "the render at half resolution", "the render itself"
SHARPNESS, BORDERS, CORNERS = "sharpness ↑", "across borders over within ↓", "error in corners over inside ↓"
_IDEAL = Gaussianity(0.0, 1.0, 0.0, 0.0, 0.0, 0.0)


class _Candidate:
    """The measures of one row of the tables, gathered over the clips."""

    def __init__(self, networks: Networks, side: int):
        self.fidelity, self.side = Fidelity(networks), side
        self.sharpness: list[float | None] = []
        self.borders: list[float | None] = []
        self.corners: list[float | None] = []

    def add(self, video: Tensor, truth: Tensor) -> None:
        self.fidelity.add(video, truth)
        self.sharpness.append(sharpness(video, truth))
        self.borders.append(border_ratio(video, self.side))
        self.corners.append(corner_ratio(video, truth, self.side))

    def cells(self) -> tuple[Cell, ...]:
        measured = (cell_of(values) for values in (self.sharpness, self.borders, self.corners))
        return (*self.fidelity.cells(), *measured)


def autoencoder(
    model: Model,
    held_out: HeldOut,
    count: int,
    networks: Networks,
    out: Path,
    report: Report = lambda what, done, of: None,
) -> list[Table]:
    """Measure the autoencoder: the two tables. A plot of the latents and a contact sheet go into a folder.

    Args:
        count: of clips.
        out: the folder.
    """
    side = model.config.vae.spatial_compression
    ours, half = _Candidate(networks, side), _Candidate(networks, side)
    latents, borders = [], []
    report(RENDERS.name, 0, count)
    for done, clip in enumerate(held_out.clips(RENDERS, count)):
        truth = clip.clip.video
        kept = through_autoencoder(model, truth)
        ours.add(kept.video, truth)
        half.add(halved(truth), truth)
        borders.append(border_ratio(truth, side))
        latents.append(model.vae.normalise(kept.latents)[0].flatten(1))
        if not done:
            write_contact_sheet(out / "vae.png", [("render", truth), ("through the VAE", kept.video)])
        report(RENDERS.name, done + 1, count)
    samples = torch.cat(latents, 1)
    plot_latents(out / "latents.png", samples)
    rows = (
        Row(model.config.name, ours.cells()),
        Row(HALVED, half.cells()),
        Row(ITSELF, (*[NOTHING] * len(COLUMNS), 1.0, cell_of(borders), NOTHING)),
    )
    return [_tokenizer_table(model, rows), _latents_table(model, samples)]


def halved(video: Tensor) -> Tensor:
    """``(3, F, H, W)`` scaled to half its sides and back: a blurred video, to compare with."""
    frames = F.avg_pool2d(video.movedim(1, 0), 2)
    return F.interpolate(frames, scale_factor=2, mode="bilinear").movedim(0, 1)


def _tokenizer_table(model: Model, rows: tuple[Row, ...]) -> Table:
    config = model.config.vae
    side = config.spatial_compression
    notes = (
        f"{side} × {side} × {model.config.temporal_compression} pixels and frames to a latent of "
        f"{config.latent_channels} channels.",
        "Means over clips ± their standard deviation.",
        "Sharpness: the share of the render's fine detail that is kept. Blur loses it, noise wins none.",
        f"Borders and corners are those of windows of {side} pixels: where they show, a grid does.",
        NOTE,
    )
    columns = ("autoencoder", *COLUMNS, SHARPNESS, BORDERS, CORNERS)
    return Table("Video autoencoder", columns, rows, notes)


def _latents_table(model: Model, samples: torch.Tensor) -> Table:
    columns = [field.name.replace("_", " ") for field in dataclasses.fields(Gaussianity)]
    rows = tuple(
        Row(name, dataclasses.astuple(values))
        for name, values in ((model.config.name, gaussianity(samples)), ("a standard Gaussian", _IDEAL))
    )
    notes = ("Means over channels of normalised latents.",)
    return Table("Latents", ("latents", *columns), rows, notes)
