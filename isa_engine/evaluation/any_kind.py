"""How well the plates of a model of any kind obey: what can be measured of them without a look inside."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from isa_engine.evaluation.candidates import CEILING, MODEL, REPEATED
from isa_engine.evaluation.clip_shot import shot_of
from isa_engine.evaluation.control import (
    GAIN,
    GROUND,
    ONE,
    PLATE_IN_MASK,
    PLATE_MATTE,
    SEVERAL,
    Measurements,
    measure_identity,
    measure_plate,
    table_of,
)
from isa_engine.evaluation.fidelity import psnr
from isa_engine.evaluation.held_out import HeldOut, HeldOutClip
from isa_engine.evaluation.progress import Report
from isa_engine.evaluation.silhouette import iou
from isa_engine.evaluation.table import Table
from isa_engine.pipeline.contact_sheet import write_contact_sheet
from isa_engine.pipeline.generation import denoise, matte_of
from isa_engine.pipeline.painter import Loaded, painter_of
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
                figures += measure_identity(measurements, clip, videos, held_out.rest)
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
    plate = np.stack(list(painter_of(model).plate(latents, model, shot, None, silent)))
    matte = np.stack(list(matte_of(latents, model, shot)))
    shown = torch.from_numpy(matte[..., 0] > 127)
    return to_video(plate)[0].to(clip.clip.video.device), shown.to(clip.mask.device)
