"""Table 1 and Fig. 5: how well the autoencoder keeps a video, and how Gaussian its latents are."""

import dataclasses
from pathlib import Path

import torch

from isa_engine.evaluation.candidates import through_autoencoder
from isa_engine.evaluation.contact_sheet import write_contact_sheet
from isa_engine.evaluation.fidelity import COLUMNS, NOTE, Fidelity, Networks
from isa_engine.evaluation.gaussianity import Gaussianity, gaussianity
from isa_engine.evaluation.held_out import HeldOut, Kind
from isa_engine.evaluation.plots import plot_latents
from isa_engine.evaluation.progress import Report
from isa_engine.evaluation.table import Row, Table
from isa_engine.pipeline.model import Model

RENDERS = Kind("held-out renders", (1, 2, 3), hard=False)
_IDEAL = Gaussianity(0.0, 1.0, 0.0, 0.0, 0.0, 0.0)


def autoencoder(
    model: Model,
    held_out: HeldOut,
    count: int,
    networks: Networks,
    out: Path,
    report: Report = lambda what, done, of: None,
) -> list[Table]:
    """The two tables; a plot of the latents and a contact sheet go into a folder.

    Args:
        count: clips.
        out: the folder.
    """
    fidelity, latents = Fidelity(networks), []
    report(RENDERS.name, 0, count)
    for done, clip in enumerate(held_out.clips(RENDERS, count)):
        truth = clip.clip.video
        kept = through_autoencoder(model, truth)
        fidelity.add(kept.video, truth)
        latents.append(model.vae.normalise(kept.latents)[0].flatten(1))
        if not done:
            write_contact_sheet(out / "vae.png", [("render", truth), ("through the VAE", kept.video)])
        report(RENDERS.name, done + 1, count)
    samples = torch.cat(latents, 1)
    plot_latents(out / "latents.png", samples)
    return [_tokenizer_table(model, fidelity), _latents_table(model, samples)]


def _tokenizer_table(model: Model, fidelity: Fidelity) -> Table:
    config = model.config.vae
    side = config.spatial_compression
    notes = (
        f"{side} × {side} × {model.config.temporal_compression} pixels and frames to a latent of "
        f"{config.latent_channels} channels.",
        "Means over clips ± their standard deviation.",
        NOTE,
    )
    row = Row(model.config.name, fidelity.cells())
    return Table("Video autoencoder", ("autoencoder", *COLUMNS), (row,), notes)


def _latents_table(model: Model, samples: torch.Tensor) -> Table:
    columns = [field.name.replace("_", " ") for field in dataclasses.fields(Gaussianity)]
    rows = tuple(
        Row(name, dataclasses.astuple(values))
        for name, values in ((model.config.name, gaussianity(samples)), ("a standard Gaussian", _IDEAL))
    )
    notes = ("Means over channels of normalised latents.",)
    return Table("Latents", ("latents", *columns), rows, notes)
