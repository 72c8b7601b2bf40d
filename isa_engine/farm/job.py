"""The bundle: a folder with the shots, ``job.json``, and a place for what the tasks leave.

``shots/NAME.npz`` and ``job.json`` never change; ``work/`` holds latents and decoded spans until a take is
joined, ``results/NAME/`` its plate, matte, record and shot. A task whose file lies in ``work/`` is done.
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
    """One shot of a bundle.

    Attributes:
        name: of its file and of its results.
        sha256: of its file.
    """

    name: str
    frames: int
    sha256: str


@dataclass(frozen=True)
class Job:
    """What a bundle says of itself.

    Attributes:
        engine: version of the engine that all workers must have.
        operating_system: of all workers; another's arithmetic gives other bits.
        model: name of all takes' model.
        untrained: whether a worker without weights may work, too.
        takes: by their numbers.
        spans: take, first and last (exclusive) latent of each decoding task, by its number.
    """

    engine: str
    operating_system: str
    model: str
    untrained: bool
    takes: tuple[Take, ...]
    spans: tuple[tuple[int, int, int], ...]


class Bundle:
    """A job in its folder."""

    def __init__(self, folder: Path, job: Job):
        self.folder, self.job = folder, job

    def shot(self, take: Take) -> Path:
        return self.folder / "shots" / f"{take.name}.npz"

    def latents(self, take: Take) -> Path:
        return self._work(take) / "latents.safetensors"

    def steps(self, take: Take) -> Path:
        """The latents after the last denoising step, while a take is denoised."""
        return self._work(take) / "steps.safetensors"

    def span(self, take: Take, first: int, last: int) -> Path:
        return self._work(take) / f"span-{first}-{last}.safetensors"

    def results(self, take: Take) -> Path:
        return self.folder / "results" / take.name

    def _work(self, take: Take) -> Path:
        # Named by what the shot holds: a bundle made anew finds what still holds true.
        return self.folder / "work" / f"{take.name}-{take.sha256[:16]}"


def write_bundle(
    shots: Iterable[tuple[str, Shot]], folder: Path, operating_system: str, span: int, untrained: bool
) -> Bundle:
    """Make a bundle's folder, without its template.

    Args:
        shots: with the names of their takes.
        span: frames a decoding task, about.
        untrained: as ``Job.untrained``.

    Raises:
        ShotError: a shot is not whole, or they do not go together.
        EngineError: the folder cannot be written.
    """
    takes, spans = [], []
    encoded, models = {}, set()
    for name, shot in shots:
        if name in encoded:
            raise ShotError(f"two shots are called '{name}'", remedy="Give their files different names.")
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
    """A bundle's folder.

    Raises:
        EngineError: it is none.
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
