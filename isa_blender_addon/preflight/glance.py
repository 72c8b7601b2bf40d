"""What the scene's settings and pictures tell, without reading its frames."""

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import bpy

from isa_engine.client.protocol import Health
from isa_engine.configuration.policies import EXACT
from isa_engine.geometry.frames import Made
from isa_engine.geometry.tiles import along
from isa_engine.models import Description
from isa_engine.results.remake import made_in_record

from ..engine.process import machine_memory
from ..matching.ghost import is_of_picture
from ..matching.pose import is_posed
from ..matching.seen import error_and_size
from ..preferences.choices import preferences
from ..scene.camera import pieces
from ..scene.picture import picture_size, stored_turned
from ..scene.timeline import frame_shape
from ..settings.cast import has_ghost, playing, stance
from ..settings.models import chosen, engine_known, models, reported
from ..settings.shot import plate_scale
from .cost import Work, paces, seconds
from .file_state import check_file
from .finding import Finding
from .limits import Plan, check_limits
from .references import CastPicture, check_pictures


def glance(scene, health: Health | None) -> list[Finding]:
    """What is wrong at a glance; cheap enough for drawing. Nothing of the model where it is not known.

    Args:
        health: what the engine last said of itself.
    """
    planned = plan(scene, health)
    return [
        *check_file(scene),
        *check_pictures(cast_pictures(scene)),
        *(check_limits(planned) if planned else ()),
    ]


def engine_seconds(scene, device: str, memory: float | None, made: tuple[Made, ...] = ()) -> dict[str, float]:
    """About how long each of the engine's phases will take; empty: nothing is known of it.

    Args:
        device: the engine's, as ``protocol.Health`` has it.
        memory: bytes that the device has; None: not known.
        made: of the shot's segments, where something is known of them (``cost.Work``).
    """
    model, work, results = chosen(scene), replace(work_of(scene), made=made), scene.isa.last_results
    if model is None or work.frames < 1 or work.characters < 1:
        return {}
    known = _paces(bpy.path.abspath(results), model) if results else {}
    return seconds(model, work, device, memory, known)


def cast_pictures(scene) -> list[CastPicture]:
    """The pictures of those who play."""
    return [_cast_picture(scene, member) for member in playing(scene)]


def _cast_picture(scene, member) -> CastPicture:
    name, size = member.character.name_full, picture_size(member.picture) if member.picture else None
    if member.picture and size is None:
        return CastPicture(name, None, None, unread=member.picture)
    turned = size is not None and stored_turned(member.picture) != 1
    if member.pose == "PICTURED":
        stood = stance(member)
        shape = stood.frame_shape if stood else None
        return CastPicture(name, size, shape, stood is not None, turned=turned)
    if member.pose != "MATCHED":
        return CastPicture(name, size, frame_shape(scene), turned=turned)
    matched = size is not None and has_ghost(scene, member)
    if not matched:
        return CastPicture(name, size, None, False, turned=turned)
    error, figure = error_and_size(scene, member)
    other = not is_of_picture(member)
    return CastPicture(name, size, None, True, is_posed(member.ghost), error, figure, turned, other=other)


def plan(scene, health: Health | None) -> Plan | None:
    """What would be generated; None where the model is not known."""
    model = chosen(scene)
    if model is None:
        return None
    others = sorted((other for other in models().values() if other.name != model.name), key=lambda m: m.size)
    total, free = _memory(health)
    return Plan(
        model,
        work_of(scene),
        scene.frame_start,
        scene.frame_step,
        max(pieces(scene), default=0),
        scene.render.fps / scene.render.fps_base / scene.frame_step,
        _state(model.name),
        health.device if health else "",
        total,
        free,
        tuple(others),
    )


def _state(model: str) -> str | None:
    """As of ``Plan.state``."""
    if not engine_known():
        return None
    info = reported(model)
    return info.state if info else ""


def _memory(health: Health | None) -> tuple[float | None, float | None]:
    """Bytes that the engine has, and how many are free, as far as it is known."""
    if health and health.memory:
        return health.memory.total, health.memory.free
    # An engine that does not run yet, or not on Linux: most have the machine's memory, and none a GPU's.
    here = preferences().engine == "LOCAL" and (not health or health.device in ("", "cpu", "mps"))
    return (machine_memory() if here else None), None


def work_of(scene) -> Work:
    frames = len(range(scene.frame_start, scene.frame_end + 1, scene.frame_step))
    isa, people = scene.isa, len(playing(scene))
    how = isa.steps, isa.guidance, isa.policy
    sizes = {"detail": isa.detail, "plate_scale": plate_scale(scene)}
    return Work(frames, frame_shape(scene), people, *how, one_by_one=isa.one_by_one, **sizes)


@lru_cache(maxsize=8)
def _paces(results: str, model: Description) -> dict[str, float]:
    """Operations a second of each phase of a plate, by its record; empty where that does not tell."""
    try:
        record = json.loads((Path(results) / "record.json").read_text(encoding="utf-8"))
        if record["model"]["name"] != model.name:
            return {}
        shot, settings = record["shot"], record["settings"]
        work = Work(
            len(shot["frame_numbers"]),
            (settings["width"], settings["height"]),
            len(shot["characters"]),
            settings["steps"],
            settings["guidance"],
            settings.get("policy", EXACT),
            made_in_record(record),
            settings.get("one_by_one", False),
            along(min(settings["width"], settings["height"]), model.short_side),
            settings.get("plate_scale", 1),
        )
        spent = {phase: max(float(record["seconds"][phase]), 1e-2) for phase in record["seconds"]}
        return paces(model, work, spent)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        return {}
