"""SD3's image transformer to ISA-DiT: its block becomes the spatial transformer of Eq. 15.

At initialisation, for one frame, the result is SD3 with an empty text context and a zero pooled vector, but
for the sign: SD3 predicts ``ε − x0``, we ``x0 − ε``. Reads a diffusers-format folder; nothing is downloaded.
"""

import json
import os
import re
from pathlib import Path

import torch
from torch import nn

from isa_engine.dit.isa_dit import ISADiT
from isa_engine.errors import ModelError, reason
from isa_engine.networks.tensors import check_tensors, read_safetensors

# SD3's name of each of our modules that take its weights as they are.
_WHOLE = {
    "time.linear_1": "time_text_embed.timestep_embedder.linear_1",
    "time.linear_2": "time_text_embed.timestep_embedder.linear_2",
    "modulation_out": "norm_out.linear",
    "unpatchify": "proj_out",
}
_BLOCK = {
    "spatial_modulation": "norm1.linear",
    "spatial.attention.to_q": "attn.to_q",
    "spatial.attention.to_k": "attn.to_k",
    "spatial.attention.to_v": "attn.to_v",
    "spatial.attention.to_out": "attn.to_out.0",
    "spatial.attention.norm_q": "attn.norm_q",
    "spatial.attention.norm_k": "attn.norm_k",
    "spatial.stream.feed_forward.0": "ff.net.0.proj",
    "spatial.stream.feed_forward.2": "ff.net.2",
}
# SD3's weights for text, none of which we take.
_TEXT = re.compile(
    r"context_embedder\.|transformer_blocks\.\d+\.(norm1_context|ff_context)\."
    r"|transformer_blocks\.\d+\.attn\.(add_[qkv]_proj|to_add_out|norm_added_[qk])\."
)
# The keys of SD3's configuration that are read here.
_KEYS = (
    "num_layers",
    "num_attention_heads",
    "attention_head_dim",
    "in_channels",
    "patch_size",
    "sample_size",
    "pos_embed_max_size",
    "pooled_projection_dim",
)
_PIXELS = "pos_embed.proj"
_POSITIONS = "pos_embed.pos_embed"
_POOLED = "time_text_embed.text_embedder"


def inflate_sd3(
    folder: str | os.PathLike, *, points: int, image_width: int, conditioning: str = "isa"
) -> ISADiT:
    """Build ISA-DiT around the image transformer in a folder.

    Args:
        folder: with SD3's ``config.json`` and ``*.safetensors``, as diffusers saves them.
        points, image_width, conditioning: as in ``DiTConfig``.

    Raises:
        ModelError: the folder holds no SD3 transformer, a key of its configuration is missing, or a tensor is
            missing, surplus or misshapen.
    """
    folder = Path(folder)
    config = _config(folder)
    patch, size = config["patch_size"], config["pos_embed_max_size"]
    model = ISADiT(
        width=config["num_attention_heads"] * config["attention_head_dim"],
        layers=config["num_layers"],
        heads=config["num_attention_heads"],
        patch=patch,
        points=points,
        latent_channels=config["in_channels"],
        image_width=image_width,
        # SD3's configuration has no such key; SD3.5's has.
        qk_norm=config.get("qk_norm") == "rms_norm",
        conditioning=conditioning,
        readout="velocity",
        identity_splat=False,
        reprojection=False,
        rendering_radius=None,
        position_grid=[size, config["sample_size"] // patch],
        temporal_window=None,
        temporal_stride=4,
        temporal_anchor=0,
    )
    weights = {k: v for k, v in read_safetensors(folder).items() if not _TEXT.match(k)}
    width = model.config.width
    wanted = {theirs: tuple(model.get_parameter(ours).shape) for ours, theirs in _names(model).items()}
    wanted |= {
        f"{_PIXELS}.weight": (width, config["in_channels"], patch, patch),
        f"{_PIXELS}.bias": (width,),
        # Not read: ``positional_encoding.grid_encoding`` computes the same numbers.
        _POSITIONS: (1, size**2, width),
        f"{_POOLED}.linear_1.weight": (width, config["pooled_projection_dim"]),
        f"{_POOLED}.linear_1.bias": (width,),
        f"{_POOLED}.linear_2.weight": (width, width),
        f"{_POOLED}.linear_2.bias": (width,),
    }
    check_tensors(weights, wanted, folder)

    with torch.no_grad():
        for ours, theirs in _names(model).items():
            model.get_parameter(ours).copy_(weights[theirs])
        # With a zero pooled vector SD3's text embedder gives a constant, which is added to the timestep's
        # bias.
        pooled = nn.functional.silu(weights[f"{_POOLED}.linear_1.bias"].float())
        constant = weights[f"{_POOLED}.linear_2.weight"].float() @ pooled
        model.time.linear_2.bias += constant + weights[f"{_POOLED}.linear_2.bias"]
        # Noisy latents are the first columns. Those of reference and background latents, which SD3 does not
        # have, start at zero.
        pixels = weights[f"{_PIXELS}.weight"].flatten(1)
        model.patchify.weight.zero_()[:, : pixels.shape[1]] = pixels
        model.patchify.bias.copy_(weights[f"{_PIXELS}.bias"])
        model.unpatchify.weight.neg_()
        model.unpatchify.bias.neg_()
    return model


def _config(folder: Path) -> dict:
    try:
        config = json.loads((folder / "config.json").read_text())
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot read config.json: {reason(error)}", where=str(folder)) from error
    if not isinstance(config, dict) or config.get("_class_name") != "SD3Transformer2DModel":
        raise ModelError("config.json does not describe an SD3Transformer2DModel", where=str(folder))
    missing = [key for key in _KEYS if key not in config]
    if missing:
        raise ModelError(f"config.json lacks '{missing[0]}'", where=str(folder))
    return config


def _names(model: ISADiT) -> dict[str, str]:
    """Our parameters that SD3 has too, and its names for them."""
    modules = dict(_WHOLE)
    for layer in range(model.config.layers):
        block = f"transformer_blocks.{layer}."
        modules |= {block + ours: block + theirs for ours, theirs in _BLOCK.items()}
    return {
        f"{ours}.{kind}": f"{theirs}.{kind}"
        for ours, theirs in modules.items()
        for kind, _ in model.get_submodule(ours).named_parameters()
    }
