"""SD3's image autoencoder to VideoVAE: every 2D kernel becomes the last temporal tap of a causal 3D one.

One frame then comes out as from the image autoencoder, since the other taps, which see earlier frames, are
zero. Reads a diffusers-format folder; nothing is downloaded.
"""

import json
import os
from pathlib import Path

import torch

from isa_engine.errors import ModelError, reason
from isa_engine.networks.tensors import check_tensors, read_safetensors
from isa_engine.vae.video_vae import VideoVAE


def inflate_sd3_vae(folder: str | os.PathLike) -> VideoVAE:
    """Build a VideoVAE from the image autoencoder in a folder.

    Args:
        folder: with AutoencoderKL's ``config.json`` and ``*.safetensors``, as diffusers saves them.

    Raises:
        ModelError: the folder holds no such autoencoder, or a tensor is missing, surplus or misshapen.
    """
    folder = Path(folder)
    config = _config(folder)
    try:
        model = VideoVAE(
            latent_channels=config["latent_channels"],
            block_out_channels=tuple(config["block_out_channels"]),
            layers_per_block=config["layers_per_block"],
            window=0,
            norm_groups=config["norm_num_groups"],
            tail_width=0,
            scaling_factor=config["scaling_factor"],
            shift_factor=config["shift_factor"] or 0.0,
        )
    except KeyError as error:
        raise ModelError(f"config.json lacks {error}", where=str(folder)) from error
    weights = read_safetensors(folder)
    parameters = dict(model.named_parameters())
    check_tensors(weights, {name: _image_shape(ours) for name, ours in parameters.items()}, folder)
    with torch.no_grad():
        for name, ours in parameters.items():
            if ours.dim() == 5:
                ours.zero_()[:, :, -1] = weights[name]
            else:
                ours.copy_(weights[name])
    return model


def _image_shape(parameter: torch.Tensor) -> tuple[int, ...]:
    """What a parameter is in the image autoencoder: kernels have no time there."""
    shape = tuple(parameter.shape)
    return shape[:2] + shape[3:] if len(shape) == 5 else shape


def _config(folder: Path) -> dict:
    try:
        config = json.loads((folder / "config.json").read_text())
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot read config.json: {reason(error)}", where=str(folder)) from error
    if not isinstance(config, dict) or config.get("_class_name") != "AutoencoderKL":
        raise ModelError("config.json does not describe an AutoencoderKL", where=str(folder))
    return config
