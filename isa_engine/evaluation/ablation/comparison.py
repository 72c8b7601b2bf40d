"""Table 4 and Fig. 14: three ways to tell the transformer of the bodies, trained alike and compared."""

from pathlib import Path

from torch import Tensor

from isa_engine.evaluation.ablation.runs import Ablation, Runs
from isa_engine.evaluation.candidates.videos import CEILING, Sampling, generated, through_autoencoder
from isa_engine.evaluation.held_out.clips import HeldOut, HeldOutClip
from isa_engine.evaluation.held_out.kinds import Kind
from isa_engine.evaluation.measures.fidelity import COLUMNS, NOTE, Fidelity, Networks
from isa_engine.evaluation.measures.silhouette import iou, keyed
from isa_engine.evaluation.reporting.plots import plot_curves
from isa_engine.evaluation.reporting.progress import Report
from isa_engine.evaluation.reporting.table import NOTHING, Cell, Row, Table, mean
from isa_engine.pipeline.contact_sheet import write_contact_sheet

FIGURES = Kind("figures", (1, 1, 2, 3), "flat")
LOSS, SILHOUETTE = "validation loss ↓", "silhouette IoU ↑"
_NOTES = (
    "Means over seeds ± their standard deviation. Data, steps, seeds and autoencoder are the same for all.",
    NOTE,
)


def ablation(
    common: Ablation,
    held_out: HeldOut,
    count: int,
    sampling: Sampling,
    networks: Networks,
    out: Path,
    report: Report = lambda what, done, of: None,
) -> Table:
    """Train the runs that are missing, and measure all; runs, curves and a contact sheet go into a folder.

    Args:
        common: the runs.
        count: held-out clips to generate with each run.
        out: the folder; runs that are trained in it already are measured only.
    """
    runs = Runs(common, held_out, out, report)
    models = {(name, seed): runs(name, seed) for seed in common.seeds for name in common.names}
    curves = {name: runs.curve(name) for name in common.names}
    plot_curves(out / "ablation.png", curves, "validation loss")

    clips = list(held_out.clips(FIGURES, count))
    rows: dict[str, list[tuple[Cell, ...]]] = {name: [] for name in common.names}
    sheet = [("render", clips[0].clip.video)]
    for done, ((name, seed), model) in enumerate(models.items()):
        loss = float(curves[name][1][common.seeds.index(seed), -1])
        made = [generated(model, clip, sampling).video for clip in clips]
        rows[name].append((loss, *_measured(made, clips, networks)))
        if seed == common.seeds[0]:
            sheet.append((name, made[0]))
        report("clips of each run", done + 1, len(models))
    best = [through_autoencoder(common.base, clip.clip.video).video for clip in clips]
    rows[CEILING] = [(NOTHING, *_measured(best, clips, networks))]
    write_contact_sheet(out / "ablation-clips.png", [*sheet, (CEILING, best[0])])
    body = tuple(Row(name, _over_seeds(of)) for name, of in rows.items())
    return Table("Ablation", ("conditioning", LOSS, *COLUMNS, SILHOUETTE), body, _NOTES)


def _measured(videos: list[Tensor], clips: list[HeldOutClip], networks: Networks) -> tuple[Cell, ...]:
    """The measures of one run's videos: those of ``COLUMNS``, then silhouettes."""
    fidelity = Fidelity(networks)
    silhouettes = []
    for video, clip in zip(videos, clips, strict=True):
        fidelity.add(video, clip.clip.video)
        silhouettes.append(iou(keyed(video, clip.screen, clip.tolerance), clip.mask))
    return *fidelity.cells(), tuple(silhouettes)


def _over_seeds(runs: list[tuple[Cell, ...]]) -> tuple[Cell, ...]:
    """One row of all seeds' runs: the mean of each run in a cell; words stay words."""
    columns = zip(*runs, strict=True)
    return tuple(c[0] if isinstance(c[0], str) else tuple(mean(cell) for cell in c) for c in columns)
