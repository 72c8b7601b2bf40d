"""The table of control: its rows with what each should reach, and measurements as its cells."""

from isa_engine.evaluation.candidates.videos import CEILING, MODEL, REPEATED, UNTRAINED
from isa_engine.evaluation.reporting.table import NOTHING, Cell, Row, Table, cell_of, mean

IOU_ONE, IOU_SEVERAL = "silhouette IoU, one person", "silhouette IoU, two to four"
OF_CEILING = "silhouette IoU, one person, of its ceiling"
IOU_BLENDER = "silhouette IoU, one person, Blender's default camera"
IDENTITY = "identity, two to four"
IN_MASK, GAIN = "in-mask PSNR, dB", "in-mask PSNR above the repeated reference, dB"
BACKGROUND = "background outside the figure, dB"
BACKGROUND_SHADED = f"{BACKGROUND}, shadows given"
FEET, SHADOWS = "ground about the feet, dB", "shadows about the feet, of the render's"
FEET_UNGATED, SHADOWS_UNGATED = f"{FEET}, without the gate", f"{SHADOWS}, without the gate"
AUTOENCODER = "VAE on held-out renders, dB"
CAMERA, CAMERA_ALONE = "camera, background given", "camera, background imagined"
SEAMS = "seams, change across over within"
MATTE_OF_RENDER = "matte of renders, IoU with their mask"
MATTE_OF_VIDEO = "matte of generated videos, IoU with the keyed figure"
PLATE_ONE, PLATE_SEVERAL = f"plate: {IOU_ONE}", f"plate: {IOU_SEVERAL}"
PLATE_IN_MASK, PLATE_BACKGROUND = f"plate: {IN_MASK}", f"plate: {BACKGROUND}"
PLATE_IDENTITY = f"plate: {IDENTITY}"
PLATE_SHADOWS, PLATE_CAMERA, PLATE_SEAMS = f"plate: {SHADOWS}", f"plate: {CAMERA}", f"plate: {SEAMS}"
PLATE_MATTE = "plate: matte, IoU with the render's mask"
SHADED_IN_MASK, SHADED_BACKGROUND, SHADED_SHADOWS = (
    f"{row}, shadows given" for row in (PLATE_IN_MASK, PLATE_BACKGROUND, PLATE_SHADOWS)
)

# What each measure should reach after training on two CPU cores, and after ten minutes on a GPU: at least so
# much, of seams at most.
TARGETS: dict[str, tuple[float | None, float | None]] = {
    IOU_ONE: (0.82, 0.86),
    OF_CEILING: (None, None),
    IOU_SEVERAL: (0.78, 0.82),
    IOU_BLENDER: (0.70, 0.75),
    IDENTITY: (0.88, 0.94),
    IN_MASK: (None, None),
    GAIN: (3.5, 5.0),
    BACKGROUND: (26.0, 26.0),
    BACKGROUND_SHADED: (None, None),
    FEET: (None, None),
    FEET_UNGATED: (None, None),
    SHADOWS: (None, None),
    SHADOWS_UNGATED: (None, None),
    AUTOENCODER: (27.5, 29.0),
    CAMERA: (None, None),
    CAMERA_ALONE: (None, None),
    SEAMS: (1.4, 1.35),
    MATTE_OF_RENDER: (None, None),
    MATTE_OF_VIDEO: (None, None),
    PLATE_ONE: (None, None),
    PLATE_SEVERAL: (None, None),
    PLATE_IDENTITY: (None, None),
    PLATE_IN_MASK: (None, None),
    PLATE_BACKGROUND: (None, None),
    PLATE_SHADOWS: (None, None),
    PLATE_CAMERA: (None, None),
    PLATE_SEAMS: (None, None),
    PLATE_MATTE: (None, None),
    SHADED_IN_MASK: (None, None),
    SHADED_BACKGROUND: (None, None),
    SHADED_SHADOWS: (None, None),
}
_AT_MOST = (SEAMS,)
CANDIDATES = (MODEL, REPEATED, UNTRAINED, CEILING)
_COLUMNS = ("measure", *CANDIDATES, "target, CPU", "target, GPU", "reached")
# Row → column → a measurement for each clip; None where it could not be taken.
Measurements = dict[str, dict[str, list[float | None]]]


def table_of(measurements: Measurements, figures: list[bool]) -> Table:
    """The table of these measurements; what was not measured is empty."""
    cells = {row: {c: cell_of(measurements[row][c]) for c in CANDIDATES} for row in TARGETS}
    ceiling = mean(cells[IOU_ONE][CEILING])
    for column in CANDIDATES:
        cells[OF_CEILING][column] = mean(cells[IOU_ONE][column]) / ceiling if ceiling else NOTHING
    rows = []
    for name, targets in TARGETS.items():
        bound = "≤" if name in _AT_MOST else "≥"
        shown = tuple("" if target is None else f"{bound} {target:g}" for target in targets)
        row = (*cells[name].values(), *shown, _reached(name, cells[name][MODEL]))
        rows.append(Row(name, row))
    notes = (
        "Means over clips (identity: over figures) ± their standard deviation.",
        "Candidates are given each clip's background, but for 'background imagined'.",
        "Camera: 1 where the ground moves as the camera implies, 0 where it rests.",
        "Ground about the feet: within half a figure's height of them; shadows: 1 as dark there, 0 none.",
        "Seams: 1 where the borders of latent frames do not show.",
        "Plates are videos laid over their background, as generation lays them; other rows are of videos as "
        "decoded. The untrained column's plates have the trained matte head: what comes of geometry alone.",
        "Shadows given: the background has them, as a scene that is rendered without its cast; before open "
        "ground alone, so that the row to compare in-mask PSNR with is not the one above.",
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


def _reached(name: str, cell: Cell) -> str:
    """Whose target a row's mean reaches."""
    targets, value = TARGETS[name], mean(cell)
    if targets == (None, None) or value is None:
        return ""
    sign = -1 if name in _AT_MOST else 1
    names = [
        n
        for n, target in zip(("CPU", "GPU"), targets, strict=True)
        if target is not None and sign * value >= sign * target
    ]
    return ", ".join(names) or "no"
