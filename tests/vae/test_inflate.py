"""SD3's image autoencoder, inflated."""

import json

import pytest
import torch
from diffusers import AutoencoderKL
from safetensors.torch import load_file, save_file

from isa_engine.configuration import model_config
from isa_engine.errors import ModelError
from isa_engine.vae import VideoVAE
from isa_engine.vae.inflate import inflate_sd3_vae

WEIGHTS = "diffusion_pytorch_model.safetensors"


def image_autoencoder(widths: tuple[int, ...]) -> AutoencoderKL:
    """SD3's architecture with random weights."""
    torch.manual_seed(0)
    model = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * len(widths),
        up_block_types=("UpDecoderBlock2D",) * len(widths),
        block_out_channels=widths,
        layers_per_block=2,
        latent_channels=16,
        norm_num_groups=32,
        use_quant_conv=False,
        use_post_quant_conv=False,
        scaling_factor=1.5305,
        shift_factor=0.0609,
    )
    for norm in (m for m in model.modules() if isinstance(m, torch.nn.GroupNorm)):
        torch.nn.init.normal_(norm.weight, 1, 0.1)
        torch.nn.init.normal_(norm.bias, 0, 0.1)
    return model.eval()


@pytest.fixture(scope="module")
def small() -> AutoencoderKL:
    return image_autoencoder((32, 32, 64, 64))


@pytest.fixture
def folder(small, tmp_path):
    small.save_pretrained(tmp_path)
    return tmp_path


def assert_one_frame_is_the_picture(
    image_model: AutoencoderKL, vae: VideoVAE, pictures: torch.Tensor, tolerance: float
) -> None:
    theirs, ours = image_model.encode(pictures).latent_dist, vae.encode(pictures[:, :, None])
    assert torch.allclose(ours.mean[:, :, 0], theirs.mean, atol=tolerance)
    assert torch.allclose(ours.logvar[:, :, 0], theirs.logvar, atol=tolerance)
    decoded = vae.decode(theirs.mean[:, :, None])[:, :, 0]
    assert torch.allclose(decoded, image_model.decode(theirs.mean).sample, atol=tolerance)


def test_one_frame_is_what_the_image_autoencoder_makes_of_the_picture(small, folder):
    pictures = torch.rand(2, 3, 40, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert_one_frame_is_the_picture(small, inflate_sd3_vae(folder).eval(), pictures, 1e-5)


@pytest.mark.slow
def test_one_frame_is_the_picture_at_the_size_of_sd3(tmp_path):
    full = image_autoencoder(model_config("isa-4b").vae.block_out_channels)
    full.save_pretrained(tmp_path)
    vae = inflate_sd3_vae(tmp_path).eval()
    # Double precision: so wide a model rounds to about 1e-5 in single, in whichever order it adds.
    pictures = torch.rand(1, 3, 32, 32, dtype=torch.float64) * 2 - 1
    assert_one_frame_is_the_picture(full.double(), vae.double(), pictures, 1e-10)


def test_a_video_decodes_to_pictures_held_through_their_windows(small, folder):
    vae = inflate_sd3_vae(folder).eval()
    latents = torch.randn(1, 16, 3, 4, 4)
    pictures = torch.stack([small.decode(latent).sample for latent in latents.unbind(2)], 2)
    held = torch.cat([pictures[:, :, :1], pictures[:, :, 1:].repeat_interleave(4, 2)], 2)
    assert torch.allclose(vae.decode(latents), held, atol=1e-5)


def test_the_normalisation_comes_along(folder):
    vae = inflate_sd3_vae(folder)
    latents = torch.randn(1, 16, 1, 2, 2)
    assert torch.allclose(vae.normalise(latents), (latents - 0.0609) * 1.5305)


def test_a_missing_surplus_or_misshapen_tensor_is_named(folder):
    weights = load_file(folder / WEIGHTS)
    name = "encoder.down_blocks.2.resnets.0.conv_shortcut.weight"
    broken = {
        f"'{name}' is missing": {k: v for k, v in weights.items() if k != name},
        "'quant_conv.weight' belongs to no part": {**weights, "quant_conv.weight": torch.zeros(32, 32, 1, 1)},
        f"'{name}' is .* where .* is needed": {**weights, name: torch.zeros(64, 32, 3, 3)},
    }
    for sentence, tensors in broken.items():
        save_file(tensors, folder / WEIGHTS)
        with pytest.raises(ModelError, match=sentence):
            inflate_sd3_vae(folder)


def test_a_folder_without_the_autoencoder_says_so(folder, tmp_path):
    with pytest.raises(ModelError, match=r"cannot read config\.json"):
        inflate_sd3_vae(tmp_path / "nowhere")
    config = json.loads((folder / "config.json").read_text())
    for change, sentence in (({"_class_name": "UNet"}, "AutoencoderKL"), ({}, "norm_num_groups")):
        changed = {k: v for k, v in {**config, **change}.items() if change or k != "norm_num_groups"}
        (folder / "config.json").write_text(json.dumps(changed))
        with pytest.raises(ModelError, match=sentence):
            inflate_sd3_vae(folder)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / WEIGHTS).write_bytes(b"not tensors")
    with pytest.raises(ModelError, match="cannot read the weights"):
        inflate_sd3_vae(folder)
