"""How well the video obeys: a measure a row, each between its baselines and its ceiling."""

from collections import defaultdict
from pathlib import Path

import torch

from isa_engine.evaluation.camera_motion import agreement
from isa_engine.evaluation.candidates import (
    CEILING,
    MODEL,
    REPEATED,
    UNTRAINED,
    Sampling,
    Video,
    generated,
    through_autoencoder,
)
from isa_engine.evaluation.contact_sheet import write_contact_sheet
from isa_engine.evaluation.fidelity import psnr
from isa_engine.evaluation.held_out import HeldOut, HeldOutClip, Kind
from isa_engine.evaluation.identity import recognised
from isa_engine.evaluation.progress import Report
from isa_engine.evaluation.seams import seam_ratio
from isa_engine.evaluation.silhouette import iou, keyed
from isa_engine.evaluation.table import NOTHING, Cell, Row, Table, cell_of, mean
from isa_engine.evaluation.worn import worn
from isa_engine.pipeline.model import Model

ONE = Kind("one person", (1,), "flat")
SEVERAL = Kind("two to four", (2, 3, 4), "flat")
GROUND = Kind("open ground", (1, 2), "open", "moving")

IOU_ONE, IOU_SEVERAL = "silhouette IoU, one person", "silhouette IoU, two to four"
OF_CEILING = "silhouette IoU, one person, of its ceiling"
IDENTITY = "identity, two to four"
IN_MASK, GAIN = "in-mask PSNR, dB", "in-mask PSNR above the repeated reference, dB"
BACKGROUND = "background outside the figure, dB"
AUTOENCODER = "VAE on held-out renders, dB"
CAMERA, CAMERA_ALONE = "camera, background given", "camera, background imagined"
SEAMS = "seams, change across over within"
MATTE_OF_RENDER = "matte of renders, IoU with their mask"
MATTE_OF_VIDEO = "matte of generated videos, IoU with the keyed figure"

# What a measure must reach after training on two CPU cores, and on a GPU.
TARGETS: dict[str, tuple[float | None, float | None]] = {
    IOU_ONE: (0.75, 0.90),
    OF_CEILING: (0.85, None),
    IOU_SEVERAL: (0.65, 0.85),
    IDENTITY: (0.85, 0.97),
    IN_MASK: (None, None),
    GAIN: (2.0, 5.0),
    BACKGROUND: (22.0, 27.0),
    AUTOENCODER: (29.0, 34.0),
    CAMERA: (None, None),
    CAMERA_ALONE: (None, None),
    SEAMS: (None, None),
    MATTE_OF_RENDER: (None, None),
    MATTE_OF_VIDEO: (None, None),
}
_CANDIDATES = (MODEL, REPEATED, UNTRAINED, CEILING)
_COLUMNS = ("measure", *_CANDIDATES, "target, CPU", "target, GPU", "reached")
# Sheets of each kind.
_SHEETS = 3
# Measurements by row and column.
Measurements = dict[str, dict[str, list[float | None]]]


def control(
    model: Model,
    bare: Model,
    held_out: HeldOut,
    count: int,
    sampling: Sampling,
    out: Path,
    report: Report = lambda what, done, of: None,
) -> Table:
    """The table; contact sheets go into a folder.

    Args:
        bare: the untrained model (``candidates.untrained``).
        count: clips of each kind.
        out: the folder.
    """
    measurements: Measurements = defaultdict(lambda: defaultdict(list))
    figures: list[bool] = []
    for kind in (ONE, SEVERAL, GROUND):
        report(kind.name, 0, count)
        for done, clip in enumerate(held_out.clips(kind, count)):
            videos = _candidates(model, bare, clip, sampling)
            _measure_any(measurements, model, bare, clip, videos)
            if kind is GROUND:
                _measure_ground(measurements, clip, videos)
                for column, of in ((MODEL, model), (UNTRAINED, bare)):
                    imagined = generated(of, clip, sampling, background=False).video
                    measurements[CAMERA_ALONE][column].append(agreement(imagined, clip.clip))
                for column in (REPEATED, CEILING):
                    measurements[CAMERA_ALONE][column] = measurements[CAMERA][column]
            else:
                row = IOU_ONE if kind is ONE else IOU_SEVERAL
                _measure_figures(measurements, row, model, bare, clip, videos)
            if clip.clip.points.shape[1] > 1:
                figures += _measure_identity(measurements, clip, videos, held_out.rest)
            if done < _SHEETS:
                name = f"control-{kind.name.replace(' ', '-')}-{done + 1}.png"
                rows = [("render", clip.clip.video), *((k, videos[k].video) for k in _CANDIDATES)]
                write_contact_sheet(out / name, rows)
            report(kind.name, done + 1, count)
    return _table(measurements, figures)


def _candidates(model: Model, bare: Model, clip: HeldOutClip, sampling: Sampling) -> dict[str, Video]:
    return {
        MODEL: generated(model, clip, sampling),
        # A video without latents.
        REPEATED: Video(clip.repeated, torch.zeros(0)),
        UNTRAINED: generated(bare, clip, sampling),
        CEILING: through_autoencoder(model, clip.clip.video),
    }


def _measure_any(
    measurements: Measurements, model: Model, bare: Model, clip: HeldOutClip, videos: dict[str, Video]
) -> None:
    """What every kind of clip is good for."""
    truth, mask = clip.clip.video, clip.mask
    repeated = psnr(videos[REPEATED].video, truth, mask)
    for column, candidate in videos.items():
        inside = psnr(candidate.video, truth, mask)
        measurements[IN_MASK][column].append(inside)
        measurements[GAIN][column].append(inside - repeated)
        measurements[SEAMS][column].append(seam_ratio(candidate.video))
    measurements[AUTOENCODER][MODEL].append(psnr(videos[CEILING].video, truth))
    latents = videos[CEILING].latents
    for column, of in ((MODEL, model), (UNTRAINED, bare)):
        measurements[MATTE_OF_RENDER][column].append(iou(_matte(of, latents), mask))
    measurements[MATTE_OF_RENDER][REPEATED].append(iou(clip.repeated_mask, mask))


def _measure_ground(measurements: Measurements, clip: HeldOutClip, videos: dict[str, Video]) -> None:
    for column, candidate in videos.items():
        outside = psnr(candidate.video, clip.clip.video, ~clip.mask)
        measurements[BACKGROUND][column].append(outside)
        measurements[CAMERA][column].append(agreement(candidate.video, clip.clip))


def _measure_figures(
    measurements: Measurements,
    row: str,
    model: Model,
    bare: Model,
    clip: HeldOutClip,
    videos: dict[str, Video],
) -> None:
    """Silhouettes, and the matte against them, before a flat screen."""
    measurements[row][REPEATED].append(iou(clip.repeated_mask, clip.mask))
    for column, of in ((MODEL, model), (UNTRAINED, bare), (CEILING, model)):
        figure = keyed(videos[column].video, clip.screen, clip.tolerance)
        measurements[row][column].append(iou(figure, clip.mask))
        matte = _matte(of, videos[column].latents)
        measurements[MATTE_OF_VIDEO][column].append(iou(matte, figure))


def _measure_identity(
    measurements: Measurements, clip: HeldOutClip, videos: dict[str, Video], rest: torch.Tensor
) -> list[bool]:
    """Returns for each figure whether enough is seen of it, and of its reference, to count."""
    shot, counts = clip.clip, []
    for column, candidate in videos.items():
        figures = [
            worn(
                candidate.video,
                shot.mask == k + 1,
                shot.points[:, k],
                shot.normals[:, k],
                shot.intrinsics,
                shot.camera_to_world,
            )
            for k in range(shot.points.shape[1])
        ]
        answers = recognised(figures, clip.reference_worn, rest)
        measurements[IDENTITY][column] += [float(answer) for answer in answers if answer is not None]
        counts = [answer is not None for answer in answers]
    return counts


@torch.inference_mode()
def _matte(model: Model, latents: torch.Tensor) -> torch.Tensor:
    return model.matte_head(latents)[0, 0] > 0


def _table(measurements: Measurements, figures: list[bool]) -> Table:
    cells = {row: {c: cell_of(measurements[row][c]) for c in _CANDIDATES} for row in TARGETS}
    ceiling = mean(cells[IOU_ONE][CEILING])
    for column in _CANDIDATES:
        cells[OF_CEILING][column] = mean(cells[IOU_ONE][column]) / ceiling if ceiling else NOTHING
    rows = []
    for name, targets in TARGETS.items():
        shown = tuple("" if target is None else f"≥ {target:g}" for target in targets)
        row = (*cells[name].values(), *shown, _reached(cells[name][MODEL], targets))
        rows.append(Row(name, row))
    notes = (
        "Means over clips (identity: over figures) ± their standard deviation.",
        "Candidates are given each clip's background, but for 'background imagined'.",
        "Camera: 1 where the ground moves as the camera implies, 0 where it rests.",
        "Seams: 1 where the borders of latent frames do not show.",
        "Mattes of videos: the ceiling's column is the matte of the render's own latents.",
        _identity_note(cells[IDENTITY][MODEL], figures),
    )
    return Table("Control", _COLUMNS, tuple(rows), notes)


def _identity_note(cell: Cell, figures: list[bool]) -> str:
    """How many figures there were, and how well they tell the share."""
    share, count = mean(cell), sum(figures)
    note = f"Identity: {count} of {len(figures)} figures count; of the others too little is seen"
    if share is None:
        return f"{note}."
    return f"{note}. The model's share has a standard error of {(share * (1 - share) / count) ** 0.5:.2f}."


def _reached(cell: Cell, targets: tuple[float | None, float | None]) -> str:
    value = mean(cell)
    if targets == (None, None) or value is None:
        return ""
    names = [
        n for n, target in zip(("CPU", "GPU"), targets, strict=True) if target is not None and value >= target
    ]
    return ", ".join(names) or "no"
