"""What ``isa-engine model show`` tells: what a model costs."""

import argparse
import json
from typing import Any

from isa_engine.configuration.parts import canvas_of
from isa_engine.cost.generation import Work
from isa_engine.cost.products import between_tokens, operations
from isa_engine.errors import ModelError
from isa_engine.models import UNTRAINED, Description, describe
from isa_engine.models.room import usual_preset
from isa_engine.shot.validation import MAX_CHARACTERS, MAX_FRAMES


def show_model(arguments: argparse.Namespace) -> None:
    model = describe(arguments.name)
    frames = model.max_frames if arguments.frames is None else arguments.frames
    if not (1 <= frames <= MAX_FRAMES and 0 <= arguments.characters <= MAX_CHARACTERS):
        remedy = f"Ask for 1 to {MAX_FRAMES} frames of up to {MAX_CHARACTERS} characters."
        raise ModelError(f"{frames} frames of {arguments.characters} characters", remedy=remedy)
    square = f"{model.short_side}x{model.short_side}"
    size = canvas_of(model.name, model.multiple, arguments.size or square)
    cost = model_cost(model, frames, *size, arguments.characters)
    print(json.dumps(cost, indent=2) if arguments.json else _table(cost))


def model_cost(model: Description, frames: int, width: int, height: int, characters: int) -> dict[str, Any]:
    """JSON-ready: parameters by part, tokens, bytes, and the operations of a denoising step with guidance, of
    its attention, and of a whole generation; bytes that it takes on a processor, and on a GPU for each way in
    which the model may lie there."""
    from isa_engine.pipeline.painter import parameters

    preset = usual_preset(model)
    work = Work(frames, width, height, characters, preset.steps, preset.guidance, preset.rules)
    step = [*model.step(work)]
    counts = {part: _with_total(sizes) for part, sizes in parameters(model.name).items()}
    total = sum(sizes["total"] for sizes in counts.values())
    return {
        "model": model.name,
        "steps": preset.steps,
        "trained": model.state != UNTRAINED,
        "licence": model.licence,
        "canvas": [width, height],
        "frames": frames,
        "characters": characters,
        "tiles": len(model.tiles(width, height)) or 1,
        "tokens": model.tokens(work),
        "parameters": counts,
        "bytes": {"float32": 4 * total, "float16": 2 * total, "8 bits": total},
        "memory": {
            f"{device}, {way.name}": way.bytes
            for device, name in (("processor", "cpu"), ("GPU", "cuda"))
            for way in model.ways(work, name)
        },
        "step_operations": _with_total(operations(step)),
        "step_attention": _with_total(between_tokens(step)),
        "generation_operations": model.operations(work),
    }


def _with_total(parts: dict[str, int]) -> dict[str, int]:
    return {**parts, "total": sum(parts.values())}


def _table(cost: dict[str, Any]) -> str:
    width, height = cost["canvas"]
    state = "" if cost["trained"] else ", untrained"
    # In a shot tiles are told of what comes near them; here nobody knows where anybody is.
    tiles = f", {cost['tiles']} tiles that all show everybody" if cost["tiles"] > 1 else ""
    lines = [
        f"{cost['model']}{state}, {cost['frames']} frames of {width} × {height}, "
        f"{cost['characters']} in the cast{tiles}"
    ]
    for title, values in (
        ("tokens", cost["tokens"]),
        *((f"parameters of {part}", counts) for part, counts in cost["parameters"].items()),
        ("bytes of all weights", cost["bytes"]),
        ("bytes on a device", cost["memory"]),
        ("operations of a denoising step", cost["step_operations"]),
        ("of these between tokens, in attention", cost["step_attention"]),
        (f"operations of a generation of {cost['steps']} steps", cost["generation_operations"]),
    ):
        lines.append(f"\n{title}")
        lines += [f"  {name:27} {value:>24,.0f}" for name, value in values.items()]
    return "\n".join(lines)
