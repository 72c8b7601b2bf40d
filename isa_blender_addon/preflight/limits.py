"""What the model and the engine's machine can bear."""

import bisect
from collections.abc import Callable
from dataclasses import dataclass, replace

from isa_engine.models import Description

from .cost import Work, memory, memory_beside
from .finding import Finding, Mend

# Share of the memory that an estimate may take before it is said to be too much.
_ROOM = 0.9


@dataclass(frozen=True)
class Plan:
    """What is about to be generated, and by whom.

    Attributes:
        model: the one chosen.
        work: how much.
        first_frame, frame_step: of the scene's range.
        trained: whether the engine has the model's weights; None: not known yet.
        trained_models: names of those that it has the weights of.
        memory: bytes that the engine's device has; None: not known.
        free: of them, bytes beside the model that is loaded; None: not known.
        other_models: those that are smaller.
    """

    model: Description
    work: Work
    first_frame: int
    frame_step: int
    trained: bool | None = None
    trained_models: tuple[str, ...] = ()
    memory: float | None = None
    free: float | None = None
    other_models: tuple[Description, ...] = ()


def check_limits(plan: Plan) -> list[Finding]:
    """Frame range, memory, training."""
    return [*_range(plan), *_memory(plan), *_training(plan)]


def shorten(plan: Plan, frames: int) -> Mend:
    """The button that ends the scene's range after so many generated frames."""
    last = plan.first_frame + (frames - 1) * plan.frame_step
    return Mend("End at {frame_end}", "isa.shorten_range", {"frame_end": last})


def use(model: str) -> Mend:
    return Mend("Use {model}", "isa.use_model", {"model": model})


def _range(plan: Plan) -> list[Finding]:
    frames, most = plan.work.frames, plan.model.max_frames
    if frames <= most:
        return []
    longer = [use(other.name) for other in plan.other_models if other.max_frames >= frames]
    values = {"frames": frames, "model": plan.model.name, "most": most}
    text = "{frames} frames: {model} was tried with {most} at most."
    return [Finding(text, values, (shorten(plan, most), *longer[:1]))]


def _memory(plan: Plan) -> list[Finding]:
    needed, beside = memory(plan.model, plan.work), memory_beside(plan.model, plan.work)
    if plan.memory is not None and needed > _ROOM * plan.memory:
        text = "This needs about {needed:.1f} GiB of memory, and the engine has {memory:.1f} GiB."
        values = {"needed": needed / 2**30, "memory": plan.memory / 2**30}
        return [Finding(text, values, _lighter(plan, memory, _ROOM * plan.memory), True)]
    if plan.free is not None and beside > plan.free:
        text = (
            "This needs about {needed:.1f} GiB of memory beside the model, and the engine has {free:.1f} GiB "
            "free: other programs have the rest."
        )
        values = {"needed": beside / 2**30, "free": plan.free / 2**30}
        return [Finding(text, values, _lighter(plan, memory_beside, plan.free))]
    return []


def _lighter(plan: Plan, cost: Callable[[Description, Work], float], most: float) -> tuple[Mend, ...]:
    """The buttons after which the shot costs so many bytes at most."""
    mends = [use(other.name) for other in plan.other_models if cost(other, plan.work) <= most][:1]
    # The cost grows with the frames, so the most that fit are found by bisection.
    frames = bisect.bisect_right(
        range(plan.work.frames),
        most,
        key=lambda frame: cost(plan.model, replace(plan.work, frames=frame + 1)),
    )
    if frames > 1:
        mends.insert(0, shorten(plan, frames))
    return tuple(mends) or (Mend("Other Engine", "isa.choose_engine"),)


def _training(plan: Plan) -> list[Finding]:
    if plan.trained is not False:
        return []
    mends = [use(name) for name in plan.trained_models] or [Mend("Other Engine", "isa.choose_engine")]
    text = "The model {model} is untrained: the plate will show nobody."
    return [Finding(text, {"model": plan.model.name}, tuple(mends[:2]))]
