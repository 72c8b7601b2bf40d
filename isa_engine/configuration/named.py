"""The named models, and variants of them: Table 4's ablations, other readouts, sizes, decoders and origins.

A model is one function that returns a ``ModelConfig``; ``MODELS`` lists them.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from isa_engine.configuration.parts import (
    DiTConfig,
    ImageTowerConfig,
    MatteHeadConfig,
    ModelConfig,
    VAEConfig,
)
from isa_engine.errors import ModelError
from isa_engine.geometry.surface import POINTS


def isa_tiny() -> ModelConfig:
    """Small enough for two CPU cores."""
    return ModelConfig(
        name="isa-tiny",
        short_side=128,
        close_up=256,
        max_frames=241,
        shift=3.0,
        gate=True,
        vae=VAEConfig(
            block_out_channels=(256,),
            layers_per_block=3,
            window=8,
            norm_groups=8,
            scaling_factor=1.0,
            shift_factor=0.0,
        ),
        matte_head=MatteHeadConfig(width=48, layers=2),
        # A figure is a few latent pixels wide: in tokens of four, most of its outline lies within one. Wide
        # heads without norms take a third less time a training step at this width.
        # Windows of time are as long as the longest clip that it learned from; two latents that all windows
        # see keep colours as they are (``isa-engine evaluate length``).
        dit=DiTConfig(
            width=128,
            layers=4,
            heads=4,
            patch=1,
            points=256,
            image_width=64,
            qk_norm=False,
            temporal_window=9,
            temporal_anchor=2,
            identity_splat=True,
        ),
        image_tower=ImageTowerConfig(),
    )


def isa_small() -> ModelConfig:
    """Twice isa-tiny's pictures: trainable in minutes of one GPU, small enough in 8 bits to travel with the
    code."""
    return ModelConfig(
        name="isa-small",
        short_side=256,
        close_up=256,
        max_frames=33,
        shift=3.0,
        bits=8,
        # isa-tiny's, whose weights a run may go on from.
        vae=isa_tiny().vae,
        matte_head=isa_tiny().matte_head,
        # As many tokens as isa-tiny has. What a token of four latent pixels must tell, its background has
        # told mostly; so no gate, either.
        dit=DiTConfig(
            width=256,
            layers=6,
            heads=4,
            patch=2,
            points=256,
            image_width=96,
            qk_norm=False,
            readout="background",
            identity_splat=True,
        ),
        image_tower=ImageTowerConfig(size=128, patch=16, width=96, layers=3, heads=4),
    )


def isa_4b() -> ModelConfig:
    """The paper's size."""
    return ModelConfig(
        name="isa-4b",
        short_side=512,
        close_up=512,
        max_frames=97,
        shift=3.0,
        image_tower=ImageTowerConfig(name="ViT-L-14", size=224, patch=14, width=1024, layers=24, heads=16),
    )


MODELS: dict[str, Callable[[], ModelConfig]] = {
    "isa-tiny": isa_tiny,
    "isa-small": isa_small,
    "isa-4b": isa_4b,
}


# What follows a model's name, and what it changes of the transformer: without the input that the paper does
# not have, and the ablations of Table 4, which do not have it either.
ABLATIONS: dict[str, dict[str, Any]] = {
    "without-splat": {"identity_splat": False},
    "without-ispe": {"conditioning": "isa-without-ispe", "identity_splat": False},
    # A map has no holes at any size if it is drawn from all of a shot's points.
    "controlnet-2d": {"conditioning": "controlnet-2d", "points": POINTS, "identity_splat": False},
}
# The same with another readout than the paper's, which can go on from a model's weights.
READOUTS: dict[str, dict[str, Any]] = {"background": {"readout": "background"}}

# The same with another decoder of the same latents, trained on from a model's.
DECODERS: dict[str, dict[str, Any]] = {"tail": {"tail_width": 48}}
# The same with what the paper starts from, SD3's image transformer (``training.from_sd3``): it has no norms
# of queries and keys, and a table of positions for 192 × 192 tokens that is centred on 64 × 64.
ORIGINS: dict[str, dict[str, Any]] = {"sd3": {"qk_norm": False, "position_grid": (192, 64)}}

# The same, larger: what minutes of a large GPU can train and a few files carry. No gate: their readout starts
# from the background.
SIZES: dict[str, dict[str, Any]] = {
    "wide": {"width": 192, "layers": 6, "heads": 3, "readout": "background", "identity_splat": True},
}


def model_config(name: str) -> ModelConfig:
    """The configuration of that name: a model's, or a variant's ("isa-tiny-controlnet-2d").

    Raises:
        ModelError: there is none.
    """
    base, variant = base_and_variant(name)
    config = MODELS[base]()
    return replace(
        config,
        name=name,
        gate=config.gate and variant not in SIZES,
        dit=replace(config.dit, **{**ABLATIONS, **READOUTS, **SIZES, **ORIGINS}.get(variant, {})),
        vae=replace(config.vae, **DECODERS.get(variant, {})),
    )


def base_and_variant(name: str) -> tuple[str, str]:
    """A model's name, and a variant's or nothing."""
    for ending in (*ABLATIONS, *READOUTS, *SIZES, *DECODERS, *ORIGINS):
        if (base := name.removesuffix(f"-{ending}")) != name and base in MODELS:
            return base, ending
    if name not in MODELS:
        raise ModelError(f"there is no model '{name}'", remedy=f"Choose one of: {', '.join(MODELS)}.")
    return name, ""
