"""What a model costs, in figures: its parameters, tokens, bytes and operations."""

from collections.abc import Mapping
from typing import Any

from isa_engine.cost.generation import Work
from isa_engine.cost.products import between_tokens, operations
from isa_engine.models.kind import UNTRAINED, Description
from isa_engine.models.room import usual_preset


def model_cost(
    model: Description,
    parameters: Mapping[str, dict[str, int]],
    frames: int,
    width: int,
    height: int,
    characters: int,
) -> dict[str, Any]:
    """JSON-ready: parameters by part, tokens, bytes, and the operations of a denoising step with guidance, of
    its attention, and of a whole generation; bytes that it takes on a processor, and on a GPU for each way in
    which the model may lie there.

    Args:
        parameters: of each network, by part (``pipeline.painter.parameters``).
        width, height: of the canvas, in pixels.
    """
    preset = usual_preset(model)
    work = Work(frames, width, height, characters, preset.steps, preset.guidance, preset.rules)
    step = [*model.step(work)]
    counts = {network: _with_total(sizes) for network, sizes in parameters.items()}
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
