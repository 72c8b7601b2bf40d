"""The bundle: a folder with the shots, ``job.json``, and a place for what the tasks leave.

``shots/NAME.npz`` and ``job.json`` never change. ``work/`` holds latents and decoded spans, and a task whose
file is there is done. ``results/NAME/`` gets a take's plate, matte, record and shot.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from isa_engine import __version__
from isa_engine.errors import EngineError, ShotError
from isa_engine.geometry.frames import TEMPORAL_COMPRESSION, decoding_spans
from isa_engine.shot import Shot, encode_shot

MANIFEST = "job.json"
OPERATING_SYSTEMS = ("linux", "macos", "windows")


@dataclass(frozen=True)
class Take:
    """A shot of a bundle, and the take that is made of it.

    Attributes:
        name: ``results.files.take_name`` of the shot's file; also of the folder of results.
        frames: how many.
        sha256: of the shot's file.
    """

    name: str
    frames: int
    sha256: str


@dataclass(frozen=True)
class Job:
    """A bundle's manifest: its takes and tasks, and what a worker must have.

    Attributes:
        engine: version of the engine that all workers must have.
        operating_system: that all workers must have: on another, results differ in their last bits.
        model: name of the model of all takes.
        untrained: whether workers without the model's weights may work too.
        takes: in the order of their numbers.
        spans: of each decoding task, in the order of their numbers: the take's number, and the first and last
            (exclusive) latent.
    """

    engine: str
    operating_system: str
    model: str
    untrained: bool
    takes: tuple[Take, ...]
    spans: tuple[tuple[int, int, int], ...]


class Bundle:
    """A job in its folder: where each of its files is."""

    def __init__(self, folder: Path, job: Job):
        self.folder, self.job = folder, job

    def shot(self, take: Take) -> Path:
        return self.folder / "shots" / f"{take.name}.npz"

    def latents(self, take: Take) -> Path:
        return self._work(take) / "latents.safetensors"

    def steps(self, take: Take) -> Path:
        """The checkpoint of a take that is being denoised: its latents after the last step."""
        return self._work(take) / "steps.safetensors"

    def span(self, take: Take, first: int, last: int) -> Path:
        return self._work(take) / f"span-{first}-{last}.safetensors"

    def results(self, take: Take) -> Path:
        return self.folder / "results" / take.name

    def _work(self, take: Take) -> Path:
        # The shot's hash is in the name: a bundle that is made anew in this folder takes over the work on
        # shots that are unchanged, and never that on others.
        return self.folder / "work" / f"{take.name}-{take.sha256[:16]}"


def write_bundle(
    shots: Iterable[tuple[str, Shot]], folder: Path, operating_system: str, span: int, untrained: bool
) -> Bundle:
    """Make a bundle's folder, without its template.

    Args:
        shots: each with the name of its take.
        folder: need not exist.
        operating_system: as ``Job.operating_system``.
        span: frames a decoding task, about.
        untrained: as ``Job.untrained``.

    Raises:
        ShotError: a shot is not whole, two have the same name, or they are for different models.
        EngineError: a span has no frames, or the folder cannot be written.
    """
    if span < 1:
        raise EngineError(f"spans of {span} frames are none", remedy="Give a --span of at least 1.")
    takes, spans = [], []
    encoded, models = {}, set()
    for name, shot in shots:
        if name in encoded:
            raise ShotError(
                f"two shots are called '{name}'",
                remedy="Give their files, or their takes' folders, different names.",
            )
        encoded[name] = encode_shot(shot)
        models.add(shot.settings.model)
        cut = decoding_spans(shot.segments, -(-span // TEMPORAL_COMPRESSION))
        spans += [(len(takes), *latents) for latents in cut]
        takes.append(Take(name, shot.frames, hashlib.sha256(encoded[name]).hexdigest()))
    if len(models) != 1:
        remedy = "Make a bundle for each model."
        raise ShotError(
            f"these shots want {len(models)} models", where=", ".join(sorted(models)), remedy=remedy
        )
    job = Job(__version__, operating_system, models.pop(), untrained, tuple(takes), tuple(spans))
    bundle = Bundle(folder, job)
    try:
        (folder / "shots").mkdir(parents=True, exist_ok=True)
        for take in takes:
            bundle.shot(take).write_bytes(encoded[take.name])
        (folder / MANIFEST).write_text(json.dumps(asdict(job), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise EngineError(f"cannot write the bundle: {error.strerror}", where=str(folder)) from error
    return bundle


def read_bundle(folder: Path) -> Bundle:
    """Read a bundle's manifest.

    Raises:
        EngineError: the folder holds no bundle.
    """
    path = folder / MANIFEST
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        takes = tuple(Take(**take) for take in found.pop("takes"))
        if any(Path(take.name).name != take.name for take in takes):
            raise ValueError("a take's name is a path")
        spans = tuple((int(take), int(first), int(last)) for take, first, last in found.pop("spans"))
        return Bundle(folder, Job(**found, takes=takes, spans=spans))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        remedy = "Make it with isa-engine farm bundle."
        raise EngineError(f"this is no farm bundle: {error!r}", where=str(path), remedy=remedy) from error
