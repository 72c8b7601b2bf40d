"""How long each phase of a take will last, by what the same took before in this Blender."""

from isa_engine.geometry.frames import Made

from ...background import quick_samples
from ...preflight.glance import engine_seconds
from ...scene.timeline import frame_numbers
from ...settings.cast import playing
from ...settings.models import chosen
from ...settings.shot import canvas, plate_scale

# Seconds as measured with the demo on one core, where nothing is known yet: a frame and character to read; a
# frame to check; a frame of a background by its kind, on the demo's canvas; an engine to start.
_READ, _CHECK, _START = 0.006, 0.001, 8.0
_BACKGROUND = {"RENDER": 1.0, "FOOTAGE": 0.02, "NONE": 0.0}
_CANVAS = 400 * 224
# To send the shot, to write its results, to fetch them and to bring them in.
_WAY = {"upload": 0.5, "write": 0.5, "fetch": 0.5, "import": 0.5}
# Seconds of a frame, by what was done with it.
_seen: dict[object, float] = {}


def note(what: object, seconds: float, frames: float) -> None:
    """Remember how long something took; a frame of a background counts as often as ``rays`` has it."""
    _seen[what] = seconds / frames


def reading_seconds(scene, background: bool) -> dict[str, float]:
    """Of the phases up to a whole shot.

    Args:
        background: whether one is made.
    """
    frames = len(frame_numbers(scene))
    guess = _READ * max(len(playing(scene)), 1)
    found = {"read": frames * _seen.get("read", guess), "check": frames * _seen.get("check", _CHECK)}
    if background:
        guess = _seen.get(kind_of_background(scene), _BACKGROUND[scene.isa.background])
        found["background"] = frames * _seen.get(background_of(scene), rays(scene) * guess)
    return found


def job_seconds(
    scene, device: str, memory: float | None, ready: bool, made: tuple[Made, ...] = ()
) -> dict[str, float]:
    """Of the phases from a whole shot to the plate in the scene.

    Args:
        device, memory: as of ``engine_seconds``; a device of which nothing is known is taken for the slowest.
        ready: whether the engine runs.
        made: as of ``engine_seconds``.
    """
    engine = engine_seconds(scene, device, memory, made) or engine_seconds(scene, "cpu", memory, made)
    return {"start": 0.0 if ready else _seen.get("start", _START), **_WAY, **engine}


def rays(scene) -> float:
    """How many times as long a frame of a background takes as one of the demo's canvas: by its pixels, and
    their samples."""
    if chosen(scene) is None:
        return 1.0
    (width, height), scale, isa = canvas(scene), plate_scale(scene), scene.isa
    quick = isa.background == "RENDER" and isa.background_quick
    samples = quick_samples(scale) / quick_samples(1) if quick else 1
    return width * height / _CANVAS * scale**2 * samples


def kind_of_background(scene) -> tuple:
    """What the time of a background's frame depends on beside its ``rays``."""
    isa = scene.isa
    return isa.background, isa.background_quick, isa.background_shadows


def background_of(scene) -> tuple:
    """One that has been made is there the next time, as far as this tells."""
    size = plate_scale(scene), chosen(scene) and canvas(scene)
    return scene.session_uid, scene.isa.background_version, size, *kind_of_background(scene)
