"""Where a model stops obeying: from a view that it knows well, one thing is changed at a time."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from isa_engine.configuration.limits import Limits
from isa_engine.data.scenario.camera_paths import look_at_matrices
from isa_engine.evaluation.candidates.videos import Sampling, Video, generated, through_autoencoder
from isa_engine.evaluation.held_out.clips import HeldOut, HeldOutClip
from isa_engine.evaluation.held_out.kinds import Kind
from isa_engine.evaluation.measures.silhouette import iou, keyed
from isa_engine.evaluation.reporting.progress import Report
from isa_engine.evaluation.reporting.table import Row, Table
from isa_engine.geometry.viewpoint import PERSON, SENSOR
from isa_engine.pipeline.contact_sheet import write_contact_sheet
from isa_engine.pipeline.isa.model import Model

# A model obeys where the IoU of its silhouettes is at least this share of its autoencoder's.
OBEYS = 0.7
# Metres above the ground at which cameras look: the middle of a standing person.
_WAIST = 0.9


@dataclass(frozen=True)
class View:
    """A camera that stands still before people around the origin (``geometry.viewpoint``).

    Attributes:
        size: how tall a person is in the picture, pixels.
        elevation: degrees by which the camera looks down.
        lens: focal length, millimetres.
    """

    size: float = 90.0
    elevation: float = 10.0
    lens: float = 50.0
    width: int = 128
    height: int = 128

    def __call__(self, frames: int) -> tuple[np.ndarray, np.ndarray]:
        """Intrinsics ``(F, 4)`` and camera-to-world ``(F, 4, 4)`` (``geometry.camera``)."""
        fx = 2 * self.lens / SENSOR
        fy = fx * self.width / self.height
        distance = fy * PERSON * self.height / (2 * self.size)
        angle = np.radians(self.elevation)
        middle = np.array([0.0, 0.0, _WAIST])
        place = middle + distance * np.array([0.0, -np.cos(angle), np.sin(angle)])
        camera = look_at_matrices(place[None], middle[None])
        return np.tile([fx, fy, 0.0, 0.0], (frames, 1)), np.tile(camera, (frames, 1, 1))


# The values that are tried; the best view's are among them.
SIZES = (10, 14, 20, 28, 40, 56, 80, 112, 160, 224)
ELEVATIONS = (-30, -15, 0, 10, 20, 30, 45, 60, 80)
LENSES = (14, 20, 28, 35, 50, 85, 135)
PEOPLE = (1, 2, 3, 4)


def limits(
    model: Model,
    held_out: HeldOut,
    count: int,
    sampling: Sampling,
    out: Path,
    report: Report = lambda what, done, of: None,
) -> Table:
    """The table of all values tried; the model's entry for ``configuration/limits.json`` goes into a folder.

    Args:
        count: clips for each value.
        out: the folder; contact sheets go there too.
    """
    view = View(width=held_out.width, height=held_out.height)
    rows: list[Row] = []

    def tried(
        name: str, values: Sequence[float], at: Callable[[float], View], people: Callable[[float], int]
    ) -> list[float]:
        """The model's IoU as a share of its autoencoder's, at each value."""
        shares, sheet = [], []
        for done, value in enumerate(values):
            report(name, done, len(values))
            kind = Kind(f"{value} {name}", (people(value),), "flat", view=at(value), hard=False)
            obeyed, allowed = [], []
            for number, clip in enumerate(held_out.clips(kind, count)):
                video, ceiling = generated(model, clip, sampling), through_autoencoder(model, clip.clip.video)
                obeyed.append(_silhouette(video, clip))
                allowed.append(_silhouette(ceiling, clip))
                if number == 0:
                    sheet += [(f"{kind.name}, render", clip.clip.video), (kind.name, video.video)]
            shares.append(sum(obeyed) / max(sum(allowed), 1e-6))
            rows.append(Row(kind.name, (tuple(obeyed), tuple(allowed), shares[-1])))
        write_contact_sheet(out / f"limits-{name.replace(' ', '-')}.png", sheet)
        report(name, len(values), len(values))
        return shares

    def alone(_: float) -> int:
        return 1

    sizes = tried("pixels tall", SIZES, lambda value: replace(view, size=value), alone)
    elevations = tried("degrees from above", ELEVATIONS, lambda value: replace(view, elevation=value), alone)
    lenses = tried("mm", LENSES, lambda value: replace(view, lens=value), alone)
    crowds = tried("people", PEOPLE, lambda _: replace(view, size=view.size / 2), int)
    found = Limits(
        size=held(SIZES, sizes),
        elevation=held(ELEVATIONS, elevations),
        lens=held(LENSES, lenses),
        people=int(held(PEOPLE, crowds)[1]),
    )
    (out / f"limits-of-{model.config.name}.json").write_text(
        json.dumps({model.config.name: asdict(found)}, indent=2) + "\n"
    )
    notes = (
        f"One thing is changed at a time from a person {view.size:g} pixels tall, seen from "
        f"{view.elevation:g}° above through {view.lens:g} mm; several people are half as tall.",
        f"A model obeys where it has {OBEYS:g} of the silhouettes that its autoencoder leaves: {found}.",
    )
    return Table("Limits", ("view", "silhouette IoU", "ceiling", "share"), tuple(rows), notes)


def held(values: Sequence[float], shares: Sequence[float]) -> tuple[float, float]:
    """The first and the last value of the range around the best one in which a model obeys; the best one
    twice if it obeys nowhere."""
    first = last = int(np.argmax(shares))
    while first > 0 and shares[first - 1] >= OBEYS:
        first -= 1
    while last + 1 < len(values) and shares[last + 1] >= OBEYS:
        last += 1
    return values[first], values[last]


def _silhouette(video: Video, clip: HeldOutClip) -> float:
    return iou(keyed(video.video, clip.screen, clip.tolerance), clip.mask)
