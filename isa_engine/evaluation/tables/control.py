"""How well the video obeys: a row for each measure, with the model between baselines and ceiling."""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from isa_engine.evaluation.candidates.plates import laid_over_background
from isa_engine.evaluation.candidates.videos import (
    CEILING,
    MODEL,
    REPEATED,
    UNTRAINED,
    Sampling,
    Video,
    generated,
    through_autoencoder,
)
from isa_engine.evaluation.held_out.clips import HeldOut, HeldOutClip
from isa_engine.evaluation.held_out.default_camera import RENDER
from isa_engine.evaluation.held_out.kinds import BLENDER, GROUND, ONE, SEVERAL, Kind
from isa_engine.evaluation.measures.camera_motion import agreement
from isa_engine.evaluation.measures.fidelity import psnr
from isa_engine.evaluation.measures.seams import seam_ratio
from isa_engine.evaluation.measures.shadows import ground_about_feet, shadow_kept
from isa_engine.evaluation.measures.silhouette import iou, keyed
from isa_engine.evaluation.reporting.progress import Report
from isa_engine.evaluation.reporting.table import Table
from isa_engine.evaluation.tables.control_of_plates import measure_identity, measure_plate
from isa_engine.evaluation.tables.control_rows import (
    AUTOENCODER,
    BACKGROUND,
    BACKGROUND_SHADED,
    CAMERA,
    CAMERA_ALONE,
    CANDIDATES,
    FEET,
    FEET_UNGATED,
    GAIN,
    IDENTITY,
    IN_MASK,
    IOU_BLENDER,
    IOU_ONE,
    IOU_SEVERAL,
    MATTE_OF_RENDER,
    MATTE_OF_VIDEO,
    PLATE_IDENTITY,
    PLATE_MATTE,
    SEAMS,
    SHADED_BACKGROUND,
    SHADED_IN_MASK,
    SHADED_SHADOWS,
    SHADOWS,
    SHADOWS_UNGATED,
    Measurements,
    table_of,
)
from isa_engine.pipeline.contact_sheet import write_contact_sheet
from isa_engine.pipeline.isa.model import Model
from isa_engine.shot import canvas_size

# Contact sheets of each kind of clip.
_SHEETS = 3


def control(
    model: Model,
    bare: Model,
    held_out: HeldOut,
    count: int,
    sampling: Sampling,
    out: Path,
    report: Report = lambda what, done, of: None,
    detail: int = 1,
) -> Table:
    """Measure a model's control of the video; contact sheets go into a folder.

    Args:
        bare: the untrained model (``candidates.videos.untrained``), a baseline.
        count: clips of each kind.
        out: the folder.
        detail: tiles along the shorter side of the canvas before Blender's camera, whose aspect is its own.
    """
    measurements: Measurements = defaultdict(lambda: defaultdict(list))
    figures: list[bool] = []
    for kind in (ONE, SEVERAL, GROUND):
        report(kind.name, 0, count)
        for done, clip in enumerate(held_out.clips(kind, count)):
            videos = _candidates(model, bare, clip, sampling)
            _measure_any(measurements, model, bare, clip, videos)
            _measure_plates(measurements, kind, model, clip, videos, held_out.rest)
            if kind is GROUND:
                _measure_shaded(measurements, model, clip, sampling)
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
                figures += measure_identity(measurements, IDENTITY, clip, pictures, held_out.rest)
            if done < _SHEETS:
                name = f"control-{kind.name.replace(' ', '-')}-{done + 1}.png"
                rows = [("render", clip.clip.video), *((k, videos[k].video) for k in CANDIDATES)]
                write_contact_sheet(out / name, rows)
            report(kind.name, done + 1, count)
    size = canvas_size(*RENDER, model.config.short_side, model.config.multiple, detail)
    seen = held_out.sized(size[1], size[0])
    _measure_blenders_camera(measurements, model, bare, seen, count, sampling, report)
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
    measurements: Measurements,
    kind: Kind,
    model: Model,
    clip: HeldOutClip,
    videos: dict[str, Video],
    rest: Tensor,
) -> None:
    """The same of plates, whose outlines are in part the projected bodies' own: the untrained column tells
    how far that goes alone, with the trained matte head."""
    for column in (MODEL, UNTRAINED):
        plate = laid_over_background(model, clip, videos[column])
        measure_plate(measurements, kind, clip, column, plate.video)
        measurements[PLATE_MATTE][column].append(iou(plate.matte, clip.mask))
        if clip.clip.points.shape[1] > 1:
            measure_identity(measurements, PLATE_IDENTITY, clip, {column: plate.video}, rest)


def _measure_shaded(measurements: Measurements, model: Model, clip: HeldOutClip, sampling: Sampling) -> None:
    """Where the background is as a scene is rendered: without the cast and with its shadows."""
    given = replace(clip, clip=replace(clip.clip, background=clip.clip.shaded))
    made = generated(model, given, sampling)
    plate = laid_over_background(model, given, made, shadows=True).video
    truth, mask = clip.clip.video, clip.mask
    measurements[BACKGROUND_SHADED][MODEL].append(psnr(made.video, truth, ~mask))
    measurements[SHADED_IN_MASK][MODEL].append(psnr(plate, truth, mask))
    measurements[SHADED_BACKGROUND][MODEL].append(psnr(plate, truth, ~mask))
    measurements[SHADED_SHADOWS][MODEL].append(shadow_kept(plate, clip.clip))


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
    report(BLENDER.name, 0, count)
    for done, clip in enumerate(held_out.clips(BLENDER, count)):
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


@torch.inference_mode()
def _matte(model: Model, latents: torch.Tensor) -> torch.Tensor:
    return model.matte_head(latents)[0, 0] > 0
