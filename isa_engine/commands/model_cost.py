"""What ``isa-engine model show`` tells: what a model costs."""

import argparse
import dataclasses
import json
from typing import Any

from isa_engine.configuration import ModelConfig, weights_folder
from isa_engine.configuration.parts import canvas_of
from isa_engine.configuration.policies import PRESETS, Preset
from isa_engine.cost.generation import Work, attention_of_step, generation, step
from isa_engine.cost.image_tower import token_count
from isa_engine.errors import ModelError
from isa_engine.geometry.frames import latent_count
from isa_engine.models import UNTRAINED, Description, describe
from isa_engine.models.isa import ISA
from isa_engine.models.room import usual_preset


def show_model(arguments: argparse.Namespace) -> None:
    model = describe(arguments.name)
    frames = model.max_frames if arguments.frames is None else arguments.frames
    if frames < 1 or arguments.characters < 0:
        raise ModelError(
            f"{frames} frames of {arguments.characters} characters", remedy="Ask for at least one frame."
        )
    square = f"{model.short_side}x{model.short_side}"
    size = canvas_of(model.name, model.multiple, arguments.size or square)
    shot = frames, *size, arguments.characters
    # The house's own tells more, of every part of its network.
    cost = model_cost(model.config, *shot) if isinstance(model, ISA) else other_cost(model, *shot)
    print(json.dumps(cost, indent=2) if arguments.json else _table(cost))


def model_cost(config: ModelConfig, frames: int, width: int, height: int, characters: int) -> dict[str, Any]:
    """JSON-ready: parameters by part, tokens, bytes, and the operations of a denoising step with guidance, of
    its attention, and of a whole generation."""
    in_2d = config.dit.conditioning == "controlnet-2d"
    latents = latent_count(frames)
    rows, columns = height // config.multiple, width // config.multiple
    preset = PRESETS["Final"]
    work = _work(preset, frames, width, height, characters)
    operations, attention = step(config, work), attention_of_step(config, work)
    counts = parameters(config)
    total = sum(part["total"] for part in counts.values())
    return {
        "model": config.name,
        "steps": preset.steps,
        "trained": weights_folder(config.name) is not None,
        "canvas": [width, height],
        "frames": frames,
        "characters": characters,
        "tokens": {
            "video": latents * rows * columns,
            "points": 0 if in_2d else frames * characters * config.dit.points,
            "image": characters * token_count(config.image_tower),
        },
        "parameters": counts,
        "bytes": {"float32": 4 * total, "float16": 2 * total, "8 bits": total},
        "step_operations": {**operations, "total": sum(operations.values())},
        "step_attention": {**attention, "total": sum(attention.values())},
        "generation_operations": generation(config, work),
    }


def other_cost(model: Description, frames: int, width: int, height: int, characters: int) -> dict[str, Any]:
    """JSON-ready, of a model that others made: the operations of a whole generation, and bytes of a device's
    memory for each way in which it may lie there."""
    preset = usual_preset(model)
    work = _work(preset, frames, width, height, characters)
    return {
        "model": model.name,
        "steps": preset.steps,
        "trained": model.state != UNTRAINED,
        "licence": model.licence,
        "canvas": [width, height],
        "frames": frames,
        "characters": characters,
        "memory": {way.name: way.bytes for way in model.ways(work)},
        "generation_operations": model.operations(work),
    }


def _work(preset: Preset, frames: int, width: int, height: int, characters: int) -> Work:
    return Work(frames, width, height, characters, preset.steps, preset.guidance, preset.rules)


def parameters(config: ModelConfig) -> dict[str, dict[str, int]]:
    """Parameters of each network by part, counted on the meta device: nothing is allocated."""
    import torch

    from isa_engine.dit import ImageTower
    from isa_engine.dit.background_gate import BackgroundGate
    from isa_engine.dit.parameters import parameters as of_transformer
    from isa_engine.pipeline.model import build_matte_head
    from isa_engine.vae import VideoVAE

    with torch.device("meta"):
        vae = VideoVAE(**dataclasses.asdict(config.vae))
        matte_head = build_matte_head(config)
        tower = ImageTower(**dataclasses.asdict(config.image_tower))
    counts = {
        "vae": {name: sum(p.numel() for p in part.parameters()) for name, part in vae.named_children()},
        "matte_head": {"convolutions": sum(p.numel() for p in matte_head.parameters())},
        "dit": of_transformer(config.dit),
        "image_tower": {"transformer": sum(p.numel() for p in tower.parameters())},
    }
    if config.gate:
        with torch.device("meta"):
            gate = BackgroundGate(width=config.dit.width, patch=config.dit.patch)
        counts["gate"] = {"linear map": gate.num_parameters()}
    return {part: {**sizes, "total": sum(sizes.values())} for part, sizes in counts.items()}


def _table(cost: dict[str, Any]) -> str:
    width, height = cost["canvas"]
    state = "" if cost["trained"] else ", untrained"
    lines = [
        f"{cost['model']}{state}, {cost['frames']} frames of {width} × {height}, "
        f"{cost['characters']} in the cast"
    ]
    for title, values in (
        ("tokens", cost.get("tokens")),
        *((f"parameters of {part}", counts) for part, counts in cost.get("parameters", {}).items()),
        ("bytes of all weights", cost.get("bytes")),
        ("bytes on a device", cost.get("memory")),
        ("operations of a denoising step", cost.get("step_operations")),
        ("of these between tokens, in attention", cost.get("step_attention")),
        (f"operations of a generation of {cost['steps']} steps", cost["generation_operations"]),
    ):
        if values:
            lines.append(f"\n{title}")
            lines += [f"  {name:22} {value:>24,.0f}" for name, value in values.items()]
    return "\n".join(lines)
