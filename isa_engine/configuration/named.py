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
        max_frames=1001,
        shift=3.0,
        temperature=0.5,
        gate=True,
        vae=VAEConfig(
            block_out_channels=(256,),
            layers_per_block=3,
            window=8,
            norm_groups=8,
            tail_width=96,
            scaling_factor=1.0,
            shift_factor=0.0,
        ),
        matte_head=MatteHeadConfig(width=48, layers=2),
        # patch: a figure is only a few latent pixels wide; in tokens of 2 × 2, most of its outline would lie
        # inside tokens. heads, qk_norm: few wide heads without norms take a third less time a training step.
        # temporal_window: the longest clip that it learned from. temporal_anchor: two latents that all
        # windows see keep colours from drifting (``isa-engine evaluate length``).
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
            reprojection=True,
        ),
        image_tower=ImageTowerConfig(),
    )


def isa_small() -> ModelConfig:
    """Twice isa-tiny's canvas: trainable in minutes on one GPU, and in 8 bits small enough to lie in the
    repository."""
    return ModelConfig(
        name="isa-small",
        short_side=256,
        close_up=256,
        max_frames=33,
        shift=3.0,
        bits=8,
        # As isa-tiny, so that training can start from its autoencoder.
        vae=isa_tiny().vae,
        matte_head=isa_tiny().matte_head,
        # With tokens of 2 × 2 latent pixels a canvas twice as large has as many tokens as isa-tiny's. The
        # readout starts from the background, so a token has little to add, and a gate is not needed.
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
            reprojection=True,
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


# Inputs of the transformer that are not the paper's.
_PAPERS = {"identity_splat": False, "reprojection": False}
# Variants: the ending of a model's name, and what it changes of the transformer. These are without inputs
# that are not the paper's: they alone left out, and the ablations of Table 4.
ABLATIONS: dict[str, dict[str, Any]] = {
    "without-splat": _PAPERS,
    "without-ispe": {"conditioning": "isa-without-ispe", **_PAPERS},
    # Drawn from all of a shot's points, a normal map has no holes at any size.
    "controlnet-2d": {"conditioning": "controlnet-2d", "points": POINTS, **_PAPERS},
}
# Variants with another readout than the paper's; their training can start from the model's weights.
READOUTS: dict[str, dict[str, Any]] = {"background": {"readout": "background"}}

# Variants whose video tokens look at the points near them alone, and at one pooled token a character; their
# training can start from the model's weights, of which there are no more and no fewer.
RENDERINGS: dict[str, dict[str, Any]] = {"near": {"rendering_radius": 0.25}}

# Variants that start from SD3's image transformer, as the paper's does (``training.assembly.from_sd3``): it
# has no norms of queries and keys, and positions for up to 192 × 192 tokens, in units of a 64 × 64 picture.
ORIGINS: dict[str, dict[str, Any]] = {"sd3": {"qk_norm": False, "position_grid": (192, 64)}}

# Variants with a larger transformer, which minutes on a large GPU can train, and whose weights still fit into
# the repository. They have no gate, since their readout starts from the background.
SIZES: dict[str, dict[str, Any]] = {
    "wide": {"width": 192, "layers": 6, "heads": 3, "readout": "background", "identity_splat": True},
}

_VARIANTS = {**ABLATIONS, **READOUTS, **RENDERINGS, **SIZES, **ORIGINS}


def model_config(name: str) -> ModelConfig:
    """The configuration of a model, or of a variant of one ("isa-tiny-controlnet-2d").

    Raises:
        ModelError: there is none.
    """
    base, variant = base_and_variant(name)
    config = MODELS[base]()
    return replace(
        config,
        name=name,
        gate=config.gate and variant not in SIZES,
        dit=replace(config.dit, **_VARIANTS.get(variant, {})),
    )


def base_and_variant(name: str) -> tuple[str, str]:
    """A name as the model's and the variant's ending, which is empty for the model itself.

    Raises:
        ModelError: there is no such model.
    """
    for ending in _VARIANTS:
        if (base := name.removesuffix(f"-{ending}")) != name and base in MODELS:
            return base, ending
    if name not in MODELS:
        raise ModelError(f"there is no model '{name}'", remedy=f"Choose one of: {', '.join(MODELS)}.")
    return name, ""
