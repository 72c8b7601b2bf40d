"""How well the video obeys: a row for each measure, with the model between baselines and ceiling."""

from collections import defaultdict
from dataclasses import replace
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
from isa_engine.evaluation.default_camera import RENDER, default_camera
from isa_engine.evaluation.fidelity import psnr
from isa_engine.evaluation.held_out import HeldOut, HeldOutClip, Kind
from isa_engine.evaluation.identity import recognised
from isa_engine.evaluation.plates import laid_over_background
from isa_engine.evaluation.progress import Report
from isa_engine.evaluation.seams import seam_ratio
from isa_engine.evaluation.shadows import ground_about_feet, shadow_kept
from isa_engine.evaluation.silhouette import iou, keyed
from isa_engine.evaluation.table import NOTHING, Cell, Row, Table, cell_of, mean
from isa_engine.evaluation.worn import worn_by_cast
from isa_engine.pipeline.contact_sheet import write_contact_sheet
from isa_engine.pipeline.model import Model
from isa_engine.shot import canvas_size

ONE = Kind("one person", (1,), "flat")
SEVERAL = Kind("two to four", (2, 3, 4), "flat")
GROUND = Kind("open ground", (1, 2), "open", "moving")
BLENDER = Kind("Blender's default camera", (1,), "flat", view=default_camera)

IOU_ONE, IOU_SEVERAL = "silhouette IoU, one person", "silhouette IoU, two to four"
OF_CEILING = "silhouette IoU, one person, of its ceiling"
IOU_BLENDER = "silhouette IoU, one person, Blender's default camera"
IDENTITY = "identity, two to four"
IN_MASK, GAIN = "in-mask PSNR, dB", "in-mask PSNR above the repeated reference, dB"
BACKGROUND = "background outside the figure, dB"
FEET, SHADOWS = "ground about the feet, dB", "shadows about the feet, of the render's"
FEET_UNGATED, SHADOWS_UNGATED = f"{FEET}, without the gate", f"{SHADOWS}, without the gate"
AUTOENCODER = "VAE on held-out renders, dB"
CAMERA, CAMERA_ALONE = "camera, background given", "camera, background imagined"
SEAMS = "seams, change across over within"
MATTE_OF_RENDER = "matte of renders, IoU with their mask"
MATTE_OF_VIDEO = "matte of generated videos, IoU with the keyed figure"
PLATE_ONE, PLATE_SEVERAL = f"plate: {IOU_ONE}", f"plate: {IOU_SEVERAL}"
PLATE_IN_MASK, PLATE_BACKGROUND = f"plate: {IN_MASK}", f"plate: {BACKGROUND}"
PLATE_SHADOWS, PLATE_CAMERA, PLATE_SEAMS = f"plate: {SHADOWS}", f"plate: {CAMERA}", f"plate: {SEAMS}"
PLATE_MATTE = "plate: matte, IoU with the render's mask"

# What each measure should reach after training on two CPU cores, and after ten minutes on a GPU.
TARGETS: dict[str, tuple[float | None, float | None]] = {
    IOU_ONE: (0.82, 0.86),
    OF_CEILING: (None, None),
    IOU_SEVERAL: (0.78, 0.82),
    IOU_BLENDER: (0.70, 0.75),
    IDENTITY: (0.88, 0.94),
    IN_MASK: (None, None),
    GAIN: (3.5, 5.0),
    BACKGROUND: (26.0, 26.0),
    FEET: (None, None),
    FEET_UNGATED: (None, None),
    SHADOWS: (None, None),
    SHADOWS_UNGATED: (None, None),
    AUTOENCODER: (27.5, 29.0),
    CAMERA: (None, None),
    CAMERA_ALONE: (None, None),
    SEAMS: (None, None),
    MATTE_OF_RENDER: (None, None),
    MATTE_OF_VIDEO: (None, None),
    PLATE_ONE: (None, None),
    PLATE_SEVERAL: (None, None),
    PLATE_IN_MASK: (None, None),
    PLATE_BACKGROUND: (None, None),
    PLATE_SHADOWS: (None, None),
    PLATE_CAMERA: (None, None),
    PLATE_SEAMS: (None, None),
    PLATE_MATTE: (None, None),
}
_CANDIDATES = (MODEL, REPEATED, UNTRAINED, CEILING)
_COLUMNS = ("measure", *_CANDIDATES, "target, CPU", "target, GPU", "reached")
# Contact sheets of each kind of clip.
_SHEETS = 3
# Row → column → a measurement for each clip; None where it could not be taken.
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
    """Measure a model's control of the video; contact sheets go into a folder.

    Args:
        bare: the untrained model (``candidates.untrained``), a baseline.
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
            _measure_plates(measurements, kind, model, clip, videos)
            if kind is GROUND:
                _measure_ground(measurements, model, clip, videos, sampling)
                for column, of in ((MODEL, model), (UNTRAINED, bare)):
                    imagined = generated(of, clip, sampling, background=False).video
                    measurements[CAMERA_ALONE][column].append(agreement(imagined, clip.clip))
                for column in (REPEATED, CEILING):
                    measurements[CAMERA_ALONE][column] = measurements[CAMERA][column]
            else:
                row = IOU_ONE if kind is ONE else IOU_SEVERAL
                _measure_figures(measurements, row, model, bare, clip, videos)
            if clip.clip.points.shape[1] > 1:
                pictures = {column: candidate.video for column, candidate in videos.items()}
                figures += measure_identity(measurements, clip, pictures, held_out.rest)
            if done < _SHEETS:
                name = f"control-{kind.name.replace(' ', '-')}-{done + 1}.png"
                rows = [("render", clip.clip.video), *((k, videos[k].video) for k in _CANDIDATES)]
                write_contact_sheet(out / name, rows)
            report(kind.name, done + 1, count)
    _measure_blenders_camera(measurements, model, bare, held_out, count, sampling, report)
    return table_of(measurements, figures)


def _candidates(model: Model, bare: Model, clip: HeldOutClip, sampling: Sampling) -> dict[str, Video]:
    return {
        MODEL: generated(model, clip, sampling),
        # Its latents are not measured, so it has none.
        REPEATED: Video(clip.repeated, torch.zeros(0)),
        UNTRAINED: generated(bare, clip, sampling),
        CEILING: through_autoencoder(model, clip.clip.video),
    }


def _measure_any(
    measurements: Measurements, model: Model, bare: Model, clip: HeldOutClip, videos: dict[str, Video]
) -> None:
    """The measures that can be taken on every kind of clip."""
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


def _measure_plates(
    measurements: Measurements, kind: Kind, model: Model, clip: HeldOutClip, videos: dict[str, Video]
) -> None:
    """The same of plates, whose outlines are in part the projected bodies' own: the untrained column tells
    how far that goes alone, with the trained matte head."""
    for column in (MODEL, UNTRAINED):
        plate = laid_over_background(model, clip, videos[column])
        measure_plate(measurements, kind, clip, column, plate.video)
        measurements[PLATE_MATTE][column].append(iou(plate.matte, clip.mask))


def measure_plate(
    measurements: Measurements, kind: Kind, clip: HeldOutClip, column: str, video: torch.Tensor
) -> None:
    """A candidate's plate ``(3, F, H, W)`` in [−1, 1]; a ceiling that is the render itself has no error."""
    truth, mask = clip.clip.video, clip.mask
    measurements[PLATE_SEAMS][column].append(seam_ratio(video))
    if column != CEILING:
        measurements[PLATE_IN_MASK][column].append(psnr(video, truth, mask))
    if kind is not GROUND:
        figure = keyed(video, clip.screen, clip.tolerance)
        figure = clip.repeated_mask if column == REPEATED else figure
        row = PLATE_ONE if kind is ONE else PLATE_SEVERAL
        measurements[row][column].append(iou(figure, mask))
        return
    measurements[PLATE_CAMERA][column].append(agreement(video, clip.clip))
    measurements[PLATE_SHADOWS][column].append(shadow_kept(video, clip.clip))
    if column != CEILING:
        measurements[PLATE_BACKGROUND][column].append(psnr(video, truth, ~mask))


def _measure_blenders_camera(
    measurements: Measurements,
    model: Model,
    bare: Model,
    held_out: HeldOut,
    count: int,
    sampling: Sampling,
    report: Report,
) -> None:
    """Silhouettes of one person at the origin, seen by the camera of a new Blender scene, in its aspect."""
    width, height = canvas_size(*RENDER, model.config.short_side, model.config.multiple)
    report(BLENDER.name, 0, count)
    for done, clip in enumerate(held_out.sized(height, width).clips(BLENDER, count)):
        for column, candidate in _candidates(model, bare, clip, sampling).items():
            figure = keyed(candidate.video, clip.screen, clip.tolerance)
            figure = clip.repeated_mask if column == REPEATED else figure
            measurements[IOU_BLENDER][column].append(iou(figure, clip.mask))
        report(BLENDER.name, done + 1, count)


def _measure_ground(
    measurements: Measurements,
    model: Model,
    clip: HeldOutClip,
    videos: dict[str, Video],
    sampling: Sampling,
) -> None:
    near = ground_about_feet(clip.clip)
    if model.gate is not None:
        open_ = generated(replace(model, gate=None), clip, sampling).video
        measurements[FEET_UNGATED][MODEL].append(psnr(open_, clip.clip.video, near))
        measurements[SHADOWS_UNGATED][MODEL].append(shadow_kept(open_, clip.clip))
    for column, candidate in videos.items():
        outside = psnr(candidate.video, clip.clip.video, ~clip.mask)
        measurements[BACKGROUND][column].append(outside)
        measurements[CAMERA][column].append(agreement(candidate.video, clip.clip))
        measurements[FEET][column].append(psnr(candidate.video, clip.clip.video, near))
        measurements[SHADOWS][column].append(shadow_kept(candidate.video, clip.clip))


def _measure_figures(
    measurements: Measurements,
    row: str,
    model: Model,
    bare: Model,
    clip: HeldOutClip,
    videos: dict[str, Video],
) -> None:
    """Silhouettes before a flat screen, and how well the matte agrees with them."""
    measurements[row][REPEATED].append(iou(clip.repeated_mask, clip.mask))
    for column, of in ((MODEL, model), (UNTRAINED, bare), (CEILING, model)):
        figure = keyed(videos[column].video, clip.screen, clip.tolerance)
        measurements[row][column].append(iou(figure, clip.mask))
        matte = _matte(of, videos[column].latents)
        measurements[MATTE_OF_VIDEO][column].append(iou(matte, figure))


def measure_identity(
    measurements: Measurements, clip: HeldOutClip, videos: dict[str, torch.Tensor], rest: torch.Tensor
) -> list[bool]:
    """Whether each candidate's figures are recognised.

    Args:
        videos: ``(3, F, H, W)`` in [−1, 1], by column.

    Returns:
        for each figure whether it counts: enough is seen of it and of its reference.
    """
    counts = []
    for column, video in videos.items():
        answers = recognised(worn_by_cast(video, clip.clip), clip.reference_worn, rest)
        measurements[IDENTITY][column] += [float(answer) for answer in answers if answer is not None]
        counts = [answer is not None for answer in answers]
    return counts


@torch.inference_mode()
def _matte(model: Model, latents: torch.Tensor) -> torch.Tensor:
    return model.matte_head(latents)[0, 0] > 0


def table_of(measurements: Measurements, figures: list[bool]) -> Table:
    """The table of these measurements; what was not measured is empty."""
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
        "Ground about the feet: within half a figure's height of them; shadows: 1 as dark there, 0 none.",
        "Seams: 1 where the borders of latent frames do not show.",
        "Plates are videos laid over their background, as generation lays them; other rows are of videos as "
        "decoded. The untrained column's plates have the trained matte head: what comes of geometry alone.",
        "Mattes of videos: the ceiling's column is the matte of the render's own latents.",
        _identity_note(cells[IDENTITY][MODEL], figures),
    )
    return Table("Control", _COLUMNS, tuple(rows), notes)


def _identity_note(cell: Cell, figures: list[bool]) -> str:
    """The note on identity: how many figures counted, and the standard error of their share."""
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
