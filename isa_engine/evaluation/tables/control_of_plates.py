"""How well the plates of a model of any kind obey: what can be measured of them without a look inside."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from isa_engine.evaluation.candidates.videos import CEILING, MODEL, REPEATED
from isa_engine.evaluation.held_out.clips import HeldOut, HeldOutClip
from isa_engine.evaluation.held_out.kinds import GROUND, ONE, SEVERAL, Kind
from isa_engine.evaluation.held_out.shot import shot_of
from isa_engine.evaluation.measures.camera_motion import agreement
from isa_engine.evaluation.measures.fidelity import psnr
from isa_engine.evaluation.measures.identity import recognised
from isa_engine.evaluation.measures.seams import seam_ratio
from isa_engine.evaluation.measures.shadows import shadow_kept
from isa_engine.evaluation.measures.silhouette import iou, keyed
from isa_engine.evaluation.measures.worn import worn_by_cast
from isa_engine.evaluation.reporting.progress import Report
from isa_engine.evaluation.reporting.table import Table
from isa_engine.evaluation.tables.control_rows import (
    GAIN,
    IDENTITY,
    PLATE_BACKGROUND,
    PLATE_CAMERA,
    PLATE_IN_MASK,
    PLATE_MATTE,
    PLATE_ONE,
    PLATE_SEAMS,
    PLATE_SEVERAL,
    PLATE_SHADOWS,
    Measurements,
    table_of,
)
from isa_engine.pipeline.contact_sheet import write_contact_sheet
from isa_engine.pipeline.generation import denoise, plate_and_matte
from isa_engine.pipeline.painter import Loaded
from isa_engine.pipeline.pictures import to_video
from isa_engine.shot import Settings

# Contact sheets of each kind of clip.
_SHEETS = 3


def control_of_plates(
    model: Loaded,
    held_out: HeldOut,
    count: int,
    settings: Settings,
    out: Path,
    report: Report = lambda what, done, of: None,
) -> Table:
    """The table of ``control`` with the rows that plates have: each clip goes the whole way, as a shot.

    The ceiling is the render itself.

    Args:
        count: clips of each kind.
        settings: how to generate; the canvas is of the clips' size.
        out: folder for contact sheets.
    """
    measurements: Measurements = defaultdict(lambda: defaultdict(list))
    figures: list[bool] = []
    for kind in (ONE, SEVERAL, GROUND):
        report(kind.name, 0, count)
        for done, clip in enumerate(held_out.clips(kind, count)):
            plate, matte = plate_of(model, clip, settings)
            truth, mask = clip.clip.video, clip.mask
            videos = {MODEL: plate, REPEATED: clip.repeated, CEILING: truth}
            measurements[PLATE_MATTE][MODEL].append(iou(matte, mask))
            above = psnr(clip.repeated, truth, mask)
            for column, video in videos.items():
                measure_plate(measurements, kind, clip, column, video)
                if column != CEILING:
                    measurements[GAIN][column].append(measurements[PLATE_IN_MASK][column][-1] - above)
            if clip.clip.points.shape[1] > 1:
                figures += measure_identity(measurements, IDENTITY, clip, videos, held_out.rest)
            if done < _SHEETS:
                name = f"control-{kind.name.replace(' ', '-')}-{done + 1}.png"
                sheet = [("render", truth), (MODEL, plate), (REPEATED, clip.repeated)]
                write_contact_sheet(out / name, sheet)
            report(kind.name, done + 1, count)
    return table_of(measurements, figures)


@torch.inference_mode()
def plate_of(model: Loaded, clip: HeldOutClip, settings: Settings) -> tuple[Tensor, Tensor]:
    """What the model makes of a clip: the plate ``(3, F, H, W)`` in [−1, 1], and ``(F, H, W)`` bool, where
    its matte is more white than black."""
    shot = shot_of(clip, settings)

    def silent(progress) -> None:
        pass

    latents = denoise(shot, "", model, silent)
    plate, matte = (np.stack(list(made)) for made in plate_and_matte(latents, model, shot, silent))
    shown = torch.from_numpy(matte[..., 0] > 127)
    return to_video(plate)[0].to(clip.clip.video.device), shown.to(clip.mask.device)


def measure_plate(
    measurements: Measurements, kind: Kind, clip: HeldOutClip, column: str, video: Tensor
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


def measure_identity(
    measurements: Measurements,
    row: str,
    clip: HeldOutClip,
    videos: dict[str, Tensor],
    rest: Tensor,
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
        measurements[row][column] += [float(answer) for answer in answers if answer is not None]
        counts = [answer is not None for answer in answers]
    return counts
