"""What a shot will cost an engine: time by the model's operations, memory to about a factor of two."""

from collections.abc import Mapping
from dataclasses import dataclass

from isa_engine.configuration.policies import EXACT, POLICIES
from isa_engine.cost import generation
from isa_engine.models import Description
from isa_engine.shot import canvas_size

# Operations a second that an engine reaches, as long as none of its plates tells better.
_PACES = {"cpu": 5e10, "cuda": 1e14, "mps": 2e12}


@dataclass(frozen=True)
class Work:
    """A shot's size.

    Attributes:
        frames: generated ones.
        frame_shape: width and height of the camera's frame, of which each model paints its own canvas.
        characters: in the cast.
        steps, guidance: of the denoising.
        policy: of its steps, a name of ``configuration.policies``.
    """

    frames: int
    frame_shape: tuple[float, float]
    characters: int
    steps: int
    guidance: float
    policy: str = EXACT


def memory(model: Description, work: Work) -> float:
    """Bytes at the highest: the loaded model, and what the work takes beside it."""
    return model.memory(_sized(model, work))


def memory_beside(model: Description, work: Work) -> float:
    """Bytes beside the loaded model."""
    return model.memory_beside(_sized(model, work))


def seconds(model: Description, work: Work, device: str, paces: Mapping[str, float]) -> dict[str, float]:
    """How long each phase takes; empty: nothing is known of the engine.

    Args:
        device: the engine's, as ``protocol.Health`` has it.
        paces: operations a second of the phases of an earlier plate of this model.
    """
    # Of several workers one takes the job.
    pace = _PACES.get(device.partition(",")[0].partition(":")[0])
    phases = operations(model, work)
    if pace is None and not set(phases) <= set(paces):
        return {}
    return {phase: count / paces.get(phase, pace) for phase, count in phases.items()}


def operations(model: Description, work: Work) -> dict[str, float]:
    """Floating point operations of each phase of the generation."""
    return dict(model.operations(_sized(model, work)))


def _sized(model: Description, work: Work) -> generation.Work:
    width, height = canvas_size(*work.frame_shape, model.short_side, model.multiple)
    size, policy = (work.frames, width, height, work.characters), POLICIES[work.policy]
    return generation.Work(*size, work.steps, work.guidance, policy)
