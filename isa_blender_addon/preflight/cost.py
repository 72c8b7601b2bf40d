"""What a shot will cost an engine: time by the model's operations, memory as ``cost.memory`` tells it."""

from collections.abc import Mapping
from dataclasses import dataclass

from isa_engine.configuration.policies import EXACT, POLICIES
from isa_engine.cost import generation
from isa_engine.geometry.frames import Made
from isa_engine.models import Description, Way, room
from isa_engine.models.room import fitting
from isa_engine.shot import canvas_size


@dataclass(frozen=True)
class Work:
    """A shot's size.

    Attributes:
        frames: generated ones.
        frame_shape: width and height of the camera's frame, of which each model paints its own canvas.
        characters: in the cast.
        steps, guidance: of the denoising.
        policy: of its steps, a name of ``configuration.policies``.
        made: as of ``generation.Work``.
        one_by_one: whether people are painted one after the other.
        detail: that is chosen, as of ``canvas_size``; models that have less paint less.
        plate_scale: as of ``shot.Settings``; 1 where there is no background.
    """

    frames: int
    frame_shape: tuple[float, float]
    characters: int
    steps: int
    guidance: float
    policy: str = EXACT
    made: tuple[Made, ...] = ()
    one_by_one: bool = False
    detail: int = 1
    plate_scale: int = 1


def ways(model: Description, work: Work, device: str) -> tuple[Way, ...]:
    """How the model may lie in the memory of the engine's device with the work, the fastest first."""
    return model.ways(_sized(model, work), device)


def lighter_way(model: Description, work: Work, device: str, memory: float) -> tuple[str, Way] | None:
    """As of ``room.lighter_way``."""
    return room.lighter_way(model, _sized(model, work), device, memory)


def memory(model: Description, work: Work, device: str) -> float:
    """Bytes at the highest, in the way that takes least."""
    return min(way.bytes for way in ways(model, work, device))


def memory_beside(model: Description, work: Work) -> float:
    """Bytes beside the loaded model."""
    return model.memory_beside(_sized(model, work))


def seconds(
    model: Description, work: Work, device: str, memory: float | None, paces: Mapping[str, float]
) -> dict[str, float]:
    """How long each phase takes; empty: nothing is known of the engine.

    Args:
        device: the engine's, as ``protocol.Health`` has it.
        memory: bytes that it has; None: not known.
        paces: of an earlier plate of this model.
    """
    possible = ways(model, work, device)
    way = possible[0] if memory is None else fitting(possible, memory) or possible[-1]
    return room.seconds(model, _sized(model, work), device, way, paces)


def paces(model: Description, work: Work, spent: Mapping[str, float]) -> dict[str, float]:
    """As of ``room.paces``."""
    return room.paces(model, _sized(model, work), spent)


def _sized(model: Description, work: Work) -> generation.Work:
    detail = min(work.detail, model.detail)
    width, height = canvas_size(*work.frame_shape, model.short_side, model.multiple, detail)
    size, policy = (work.frames, width, height, work.characters), POLICIES[work.policy]
    scale = work.plate_scale if model.lays_over else 1
    how = work.steps, work.guidance, policy, work.made, work.one_by_one
    return generation.Work(*size, *how, plate_scale=scale)
