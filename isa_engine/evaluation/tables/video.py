"""Table 2: how close generated videos come to the render, in the paper's three settings (6.1)."""

from pathlib import Path

from isa_engine.evaluation.candidates.videos import (
    CEILING,
    MODEL,
    REPEATED,
    UNTRAINED,
    Sampling,
    generated,
    through_autoencoder,
)
from isa_engine.evaluation.held_out.clips import HeldOut
from isa_engine.evaluation.held_out.kinds import Kind
from isa_engine.evaluation.measures.fidelity import COLUMNS, NOTE, Fidelity, Networks
from isa_engine.evaluation.reporting.progress import Report
from isa_engine.evaluation.reporting.table import Row, Table
from isa_engine.pipeline.contact_sheet import write_contact_sheet
from isa_engine.pipeline.isa.model import Model

_CAST = (1, 1, 2, 3)
PROTOCOLS = (
    Kind("Video", _CAST, camera="still"),
    Kind("Camera", _CAST, camera="moving"),
    Kind("Mask", _CAST, "flat", "moving"),
)
_NOTES = (
    "Video: a still camera. Camera: a moving one. Mask: a moving one, with nothing but the people "
    "in the picture. As references show other sets, the model is given the background.",
    "Means over clips ± their standard deviation.",
    NOTE,
)


def video(
    model: Model,
    bare: Model,
    held_out: HeldOut,
    count: int,
    sampling: Sampling,
    networks: Networks,
    out: Path,
    report: Report = lambda what, done, of: None,
) -> Table:
    """Measure generated videos; contact sheets go into a folder. Arguments as of ``control.control``, and

    Args:
        networks: of LPIPS and FVD.
    """
    rows: dict[str, list] = {name: [] for name in (MODEL, REPEATED, UNTRAINED, CEILING)}
    for kind in PROTOCOLS:
        fidelities = {name: Fidelity(networks) for name in rows}
        report(kind.name, 0, count)
        for done, clip in enumerate(held_out.clips(kind, count)):
            truth = clip.clip.video
            videos = {
                MODEL: generated(model, clip, sampling).video,
                REPEATED: clip.repeated,
                UNTRAINED: generated(bare, clip, sampling).video,
                CEILING: through_autoencoder(model, truth).video,
            }
            for name, candidate in videos.items():
                fidelities[name].add(candidate, truth)
            if not done:
                path = out / f"video-{kind.name.lower()}.png"
                write_contact_sheet(path, [("render", truth), *videos.items()])
            report(kind.name, done + 1, count)
        for name, fidelity in fidelities.items():
            rows[name] += fidelity.cells()
    # As in the paper: each metric in its three settings.
    order = [p * len(COLUMNS) + m for m in range(len(COLUMNS)) for p in range(len(PROTOCOLS))]
    columns = [f"{metric} {kind.name}" for metric in COLUMNS for kind in PROTOCOLS]
    body = tuple(Row(name, tuple(cells[k] for k in order)) for name, cells in rows.items())
    return Table("Generated videos", ("candidate", *columns), body, _NOTES)
