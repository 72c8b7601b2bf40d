"""What the model and the engine's machine can bear."""

from dataclasses import dataclass, replace

from isa_engine.configuration import ModelConfig

from .cost import Work, memory
from .finding import Finding, Mend

# An estimate may be wrong by so much before it is said to be too much.
_ROOM = 0.9


@dataclass(frozen=True)
class Plan:
    """What is about to be generated, and by whom.

    Attributes:
        config: the model.
        work: how much.
        first_frame, frame_step: of the scene's range.
        trained: whether the engine has the model's weights; None: not known yet.
        trained_models: names of those that it has the weights of.
        memory: bytes of the engine's machine; None: not known.
        other_models: those that are smaller.
    """

    config: ModelConfig
    work: Work
    first_frame: int
    frame_step: int
    trained: bool | None = None
    trained_models: tuple[str, ...] = ()
    memory: float | None = None
    other_models: tuple[ModelConfig, ...] = ()


def check_limits(plan: Plan) -> list[Finding]:
    """Frame range, memory, training."""
    return [*_range(plan), *_memory(plan), *_training(plan)]


def shorten(plan: Plan, frames: int) -> Mend:
    """The button that ends the scene's range after so many generated frames."""
    last = plan.first_frame + (frames - 1) * plan.frame_step
    return Mend(f"End at {last}", "isa.shorten_range", {"frame_end": last})


def use(model: str) -> Mend:
    return Mend(f"Use {model}", "isa.use_model", {"model": model})


def _range(plan: Plan) -> list[Finding]:
    frames, most = plan.work.frames, plan.config.max_frames
    if frames <= most:
        return []
    longer = [use(other.name) for other in plan.other_models if other.max_frames >= frames]
    sentence = f"{frames} frames: {plan.config.name} is made for {most} at most."
    return [Finding(sentence, (shorten(plan, most), *longer[:1]))]


def _memory(plan: Plan) -> list[Finding]:
    needed = memory(plan.config, plan.work)
    if plan.memory is None or needed <= _ROOM * plan.memory:
        return []
    sentence = (
        f"This needs about {needed / 2**30:.0f} GiB of memory, and the engine's machine has "
        f"{plan.memory / 2**30:.0f} GiB."
    )
    mends = [use(m.name) for m in plan.other_models if memory(m, plan.work) <= _ROOM * plan.memory][:1]
    frames = _longest(plan)
    if frames > 1:
        mends.insert(0, shorten(plan, frames))
    return [Finding(sentence, tuple(mends), True)]


def _longest(plan: Plan) -> int:
    """The greatest number of frames that fits into memory; 0: none does."""
    low, high = 0, plan.work.frames
    while low < high:
        middle = (low + high + 1) // 2
        fits = memory(plan.config, replace(plan.work, frames=middle)) <= _ROOM * plan.memory
        low, high = (middle, high) if fits else (low, middle - 1)
    return low


def _training(plan: Plan) -> list[Finding]:
    if plan.trained is not False:
        return []
    mends = [use(name) for name in plan.trained_models] or [Mend("Other Engine", "isa.choose_engine")]
    sentence = f"The model {plan.config.name} is untrained: the plate will be noise."
    return [Finding(sentence, tuple(mends[:2]))]
