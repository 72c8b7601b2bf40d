"""What a shot will cost an engine: time by the model's operations, memory to about a factor of two."""

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


def seconds(model: Description, work: Work, device: str, pace: float | None = None) -> float | None:
    """How long it takes; None: nothing is known of the engine.

    Args:
        device: the engine's, as ``protocol.Health`` has it.
        pace: operations a second that an earlier plate of this model was made with.
    """
    # Of several workers one takes the job.
    pace = pace or _PACES.get(device.partition(",")[0].partition(":")[0])
    return operations(model, work) / pace if pace else None


def operations(model: Description, work: Work) -> float:
    """Floating point operations of the whole generation."""
    return sum(model.operations(_sized(model, work)).values())


def _sized(model: Description, work: Work) -> generation.Work:
    width, height = canvas_size(*work.frame_shape, model.short_side, model.multiple)
    size, policy = (work.frames, width, height, work.characters), POLICIES[work.policy]
    return generation.Work(*size, work.steps, work.guidance, policy)
