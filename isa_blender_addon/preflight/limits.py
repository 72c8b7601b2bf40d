"""What the model and the engine's machine can bear."""

import bisect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from isa_engine.models import HERE, MISSING, UNTRAINED, Description
from isa_engine.models.room import ROOM, fitting

from .cost import Work, lighter_way, memory, memory_beside, ways
from .finding import Finding, Mend

# A frame rate so many times that of the model, or as little of it, moves people in another way than it knows;
# 24 and 25 of 16 are common and near.
_RATES = 1.6


@dataclass(frozen=True)
class Plan:
    """What is about to be generated, and by whom.

    Attributes:
        model: the one chosen.
        work: how much.
        first_frame, frame_step: of the scene's range.
        longest: of the frames, so many are without a cut.
        fps: generated frames a second.
        state: of the model's weights, as the engine says; "": it does not have the model; None: not known.
        device: the engine's, as ``protocol.Health`` has it; "": not known.
        memory: bytes that it has; None: not known.
        free: of them, bytes beside the model that is loaded; None: not known.
        other_models: on offer, the smallest first.
    """

    model: Description
    work: Work
    first_frame: int
    frame_step: int
    longest: int
    fps: float
    state: str | None = None
    device: str = ""
    memory: float | None = None
    free: float | None = None
    other_models: tuple[Description, ...] = ()


def check_limits(plan: Plan) -> list[Finding]:
    """The model's weights, frame range, frame rate, people, memory."""
    return [*_weights(plan), *_range(plan), *_rate(plan), *_people(plan), *_memory(plan)]


def shorten(plan: Plan, frames: int) -> Mend:
    """The button that ends the scene's range after so many generated frames."""
    last = plan.first_frame + (frames - 1) * plan.frame_step
    return Mend("End at {frame_end}", "isa.shorten_range", {"frame_end": last})


def use(model: str) -> Mend:
    return Mend("Use {model}", "isa.use_model", {"model": model})


def _range(plan: Plan) -> list[Finding]:
    frames, most, name = plan.work.frames, plan.model.max_frames, plan.model.name
    if plan.model.longest is not None and plan.longest > plan.model.longest:
        longer = [use(m.name) for m in plan.other_models if m.longest is None and m.max_frames >= frames]
        values = {"frames": plan.longest, "model": name, "most": plan.model.longest}
        text = "{frames} frames without a cut: {model} takes {most} at most. Shorten the shot, or cut it."
        return [Finding(text, values, (shorten(plan, plan.model.longest), *longer[:1]), True)]
    if frames <= most:
        return []
    longer = [use(other.name) for other in plan.other_models if other.max_frames >= frames]
    values = {"frames": frames, "model": name, "most": most}
    text = "{frames} frames: {model} was tried with {most} at most."
    return [Finding(text, values, (shorten(plan, most), *longer[:1]))]


def _memory(plan: Plan) -> list[Finding]:
    least = partial(memory, device=plan.device)
    needed, beside = least(plan.model, plan.work), memory_beside(plan.model, plan.work)
    possible = ways(plan.model, plan.work, plan.device)
    if plan.memory is not None and (way := fitting(possible, plan.memory)) is None:
        text = "This needs about {needed:.1f} GiB of memory, and the engine has {memory:.1f} GiB."
        values = {"needed": needed / 2**30, "memory": plan.memory / 2**30}
        return [
            Finding(text, values, _lighter(plan, least, ROOM * plan.memory), True),
            *_added_lighter(plan),
        ]
    if plan.memory is not None and way is not possible[0]:
        text = (
            "{model} does not fit whole into the {memory:.0f} GiB of the engine. Parts of it wait in the "
            "machine's memory, which takes longer."
        )
        return [
            Finding(text, {"model": plan.model.name, "memory": plan.memory / 2**30}),
            *_added_lighter(plan),
        ]
    if plan.free is not None and beside > plan.free:
        text = (
            "This needs about {needed:.1f} GiB of memory beside the model, and the engine has {free:.1f} GiB "
            "free: other programs have the rest."
        )
        values = {"needed": beside / 2**30, "free": plan.free / 2**30}
        return [Finding(text, values, _lighter(plan, memory_beside, plan.free))]
    return []


def _added_lighter(plan: Plan) -> list[Finding]:
    """That more of the model would fit if it was added in another way."""
    found = lighter_way(plan.model, plan.work, plan.device, plan.memory)
    if found is None:
        return []
    option, way = found
    text = "Added once more with {option}, {model} would need {needed:.1f} GiB there: {way}."
    values = {"option": option, "model": plan.model.name, "needed": way.bytes / 2**30, "way": way.name}
    return [Finding(text, values)]


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
    for detail in range(min(plan.work.detail, plan.model.detail) - 1, 0, -1):
        if cost(plan.model, replace(plan.work, detail=detail)) <= most:
            mends.insert(0, Mend("Detail {detail}", "isa.use_detail", {"detail": detail}))
            break
    return tuple(mends) or (Mend("Other Engine", "isa.choose_engine"),)


def _rate(plan: Plan) -> list[Finding]:
    made = plan.model.fps
    if made is None or made / _RATES <= plan.fps <= made * _RATES:
        return []
    text = "{fps:.4g} generated frames a second: {model} was made for {made:.4g}."
    # A scene has frames of its own number a second; a shot has each, or every second one, …
    rate = plan.fps * plan.frame_step
    step = max(round(rate / made), 1)
    mends = [Mend("Every {frame_step} Frames", "isa.use_frame_step", {"frame_step": step})]
    helps = made / _RATES <= rate / step <= made * _RATES
    values = {"fps": plan.fps, "model": plan.model.name, "made": made}
    return [Finding(text, values, tuple(mends) if helps else ())]


def _people(plan: Plan) -> list[Finding]:
    count, most = plan.work.characters, plan.model.people
    if most is None or count <= most:
        return []
    text = "{count} people: {model} was seen to keep {most} apart."
    mends = [use(other.name) for other in plan.other_models if (other.people or count) >= count]
    return [Finding(text, {"count": count, "model": plan.model.name, "most": most}, tuple(mends[:1]))]


def _weights(plan: Plan) -> list[Finding]:
    texts = {
        UNTRAINED: "The model {model} has no weights: untrained, it paints nobody.",
        MISSING: "Files of the model {model} are missing on the engine's machine.",
        "": "The engine does not have the model {model}.",
    }
    if plan.state is None or plan.state not in texts:
        return []
    mends = [use(other.name) for other in plan.other_models if other.state == HERE]
    mends = tuple(mends[:2]) or (Mend("Other Engine", "isa.choose_engine"),)
    values = {"model": plan.model.name}
    return [Finding(texts[plan.state], values, mends, True)]
