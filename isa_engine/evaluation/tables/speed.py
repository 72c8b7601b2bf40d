"""What each policy of denoising costs, and what its videos lose against the exact ones; the presets are rows
of this table.
"""

import time
from collections import defaultdict

import torch

from isa_engine.configuration.policies import PRESETS, Policy, Preset
from isa_engine.cost.generation import Work, denoising
from isa_engine.data.samples.encoding import condition_clip
from isa_engine.evaluation.candidates.videos import Sampling, decoded, denoised
from isa_engine.evaluation.held_out.clips import HeldOut, HeldOutClip
from isa_engine.evaluation.held_out.kinds import ONE, SEVERAL
from isa_engine.evaluation.measures.fidelity import psnr
from isa_engine.evaluation.measures.identity import recognised
from isa_engine.evaluation.measures.peak_memory import peak_memory
from isa_engine.evaluation.measures.seams import seam_ratio
from isa_engine.evaluation.measures.silhouette import iou, keyed
from isa_engine.evaluation.measures.worn import worn_by_cast
from isa_engine.evaluation.reporting.progress import Report
from isa_engine.evaluation.reporting.table import NOTHING, Row, Table, cell_of, mean
from isa_engine.pipeline.isa.model import Model

EXACT = PRESETS["Exact"]
TO_EXACT, IOU, IN_MASK = "PSNR to exact, dB", "silhouette IoU", "in-mask PSNR, dB"
IDENTITY, SEAMS = "identity", "seams"
OPERATIONS, SHARE, SECONDS, MEMORY = "TFLOP", "of exact", "seconds", "peak memory, MiB"
_COLUMNS = ("policy", TO_EXACT, IOU, IN_MASK, IDENTITY, SEAMS, OPERATIONS, SHARE, SECONDS, MEMORY)
# What a final plate may lose: in PSNR to the exact one, dB, at which the eye sees no difference in motion; in
# a measure of control, no more than its rounding; and in seams, as a factor.
_NEAR, _LOSS, _SEAM = 40.0, 0.005, 1.02
# The rows beside the presets: each idea alone, with the exact preset's steps and with fewer; and several.
_TRIED = (
    (12, Policy()),
    (8, Policy()),
    (30, Policy(forecast=3)),
    (20, Policy(forecast=2)),
    (12, Policy(forecast=2)),
    (30, Policy(points=2)),
    (30, Policy(guidance=2)),
    (30, Policy(guided=(0.0, 0.8))),
    (30, Policy(forecast=3, points=2, guidance=2)),
    (20, Policy(forecast=2, points=2)),
    (16, Policy(forecast=2, points=2)),
    (18, Policy(forecast=3, points=2)),
    (20, Policy(forecast=4, points=2)),
    (16, Policy(forecast=2, points=2, guidance=2)),
)


def speed(
    model: Model,
    held_out: HeldOut,
    count: int,
    guidance: float,
    report: Report = lambda what, done, of: None,
) -> Table:
    """The table of all policies that are tried.

    Args:
        count: clips of one person, and as many of two to four.
        guidance: the scale, for all rows.
    """
    rows = {name_of(steps, policy): Sampling(steps, guidance, policy) for steps, policy in _tried()}
    cells = {name: defaultdict(list) for name in rows}
    exact = name_of(EXACT.steps, EXACT.rules)
    for kind in (ONE, SEVERAL):
        report(kind.name, 0, count * len(rows))
        for number, clip in enumerate(held_out.clips(kind, count)):
            told = condition_clip(clip.clip, model)
            for done, (name, sampling) in enumerate(rows.items()):
                with peak_memory(model.device) as peak:
                    began = now(model.device)
                    latents = denoised(model, told, clip.seed, sampling)
                    cells[name][SECONDS].append(now(model.device) - began)
                video = decoded(model, latents).video
                if name == exact:
                    reference = video
                else:
                    cells[name][TO_EXACT].append(psnr(video, reference))
                cells[name][MEMORY].append(None if peak.bytes is None else peak.bytes / 2**20)
                work = Work(
                    held_out.frames,
                    held_out.width,
                    held_out.height,
                    clip.clip.points.shape[1],
                    *_how(sampling),
                )
                cells[name][OPERATIONS].append(denoising(model.config, work) / 1e12)
                _measure(cells[name], clip, video, held_out.rest)
                report(kind.name, number * len(rows) + done + 1, count * len(rows))
    return _table(cells, exact)


def name_of(steps: int, policy: Policy) -> str:
    """What a row is called."""
    said = [f"{steps} steps"]
    said += [f"forecast {policy.forecast}"] if policy.forecast > 1 else []
    said += [f"points {policy.points}"] if policy.points > 1 else []
    said += [f"guidance {policy.guidance}"] if policy.guidance > 1 else []
    first, last = policy.guided
    said += [f"guided {first:g} to {last:g}"] if (first, last) != (0, 1) else []
    return ", ".join(said)


def cheapest(table: Table) -> str | None:
    """The cheapest row of those that lose no more than is allowed; None if only the exact one does."""
    exact = name_of(EXACT.steps, EXACT.rules)

    def value(row: Row, column: str) -> float | None:
        return mean(table.cell(row.name, column))

    def keeps(row: Row, column: str, most: float) -> bool:
        mine, whole = value(row, column), mean(table.cell(exact, column))
        return mine is None or whole is None or mine >= whole - most

    fits = [
        row
        for row in table.rows
        if row.name != exact
        and value(row, TO_EXACT) >= _NEAR
        and keeps(row, IOU, _LOSS)
        and keeps(row, IDENTITY, _LOSS)
        and (value(row, SEAMS) or 0) <= _SEAM * (mean(table.cell(exact, SEAMS)) or 1)
    ]
    return min(fits, key=lambda row: value(row, OPERATIONS)).name if fits else None


def _tried() -> list[tuple[int, Policy]]:
    """The exact one first; each once."""
    presets = [(preset.steps, preset.rules) for preset in (EXACT, *PRESETS.values())]
    return list(dict.fromkeys([*presets, *_TRIED]))


def _how(sampling: Sampling) -> tuple[int, float, Policy]:
    return sampling.steps, sampling.guidance, sampling.policy


def _measure(cells: dict[str, list], clip: HeldOutClip, video: torch.Tensor, rest: torch.Tensor) -> None:
    cells[IOU].append(iou(keyed(video, clip.screen, clip.tolerance), clip.mask))
    cells[IN_MASK].append(psnr(video, clip.clip.video, clip.mask))
    cells[SEAMS].append(seam_ratio(video))
    if clip.clip.points.shape[1] > 1:
        answers = recognised(worn_by_cast(video, clip.clip), clip.reference_worn, rest)
        cells[IDENTITY] += [float(answer) for answer in answers if answer is not None]


def now(device: torch.device) -> float:
    """Seconds of processor time on a CPU, which other programs do not lengthen; of the clock on a GPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        return time.perf_counter()
    return time.process_time()


def _table(cells: dict[str, dict[str, list]], exact: str) -> Table:
    whole = mean(cell_of(cells[exact][OPERATIONS]))
    rows = []
    for name, found in cells.items():
        found = {**found, SHARE: [mean(cell_of(found[OPERATIONS])) / whole]}
        # Means without deviations: the table has too many numbers to be read with them.
        shown = [mean(cell_of(found.get(column, []))) for column in _COLUMNS[1:]]
        rows.append(Row(name, tuple(NOTHING if value is None else value for value in shown)))
    notes = (
        "Means over clips (identity: over figures).",
        f"Presets: {', '.join(f'{name} is {_row(preset)}' for name, preset in PRESETS.items())}.",
        "Forecast n: one of n steps asks the network. Points n, guidance n: one of n askings moves the "
        "points, asks what nobody gives. Guided a to b: guidance acts in that share of the steps.",
        "TFLOP, seconds, memory: of denoising. Seconds on a CPU are its own, of all threads together; memory "
        "is the process's at its highest.",
    )
    table = Table("Speed", _COLUMNS, tuple(rows), notes)
    found = cheapest(table)
    verdict = "Nothing but the exact row" if found is None else f"The cheapest row, {found},"
    rule = f"is {_NEAR:g} dB or more from exact and loses nothing of silhouette, identity and seams."
    return Table("Speed", _COLUMNS, tuple(rows), (*notes, f"{verdict} {rule}"))


def _row(preset: Preset) -> str:
    return name_of(preset.steps, preset.rules)
