"""A model that starts from SD3 starts as SD3."""

import json
from dataclasses import replace

import pytest
import torch
from diffusers import SD3Transformer2DModel
from safetensors.torch import load_file, save_file

from isa_engine.dit.sd3_adapter import inflate_sd3
from isa_engine.errors import ModelError
from tests.dit.small_models import SMALL, inputs

WEIGHTS = "diffusion_pytorch_model.safetensors"


def sd3(qk_norm: str | None = None, channels: int = 4) -> SD3Transformer2DModel:
    torch.manual_seed(0)
    return SD3Transformer2DModel(
        sample_size=16,
        num_layers=2,
        in_channels=channels,
        out_channels=channels,
        attention_head_dim=8,
        num_attention_heads=4,
        joint_attention_dim=20,
        caption_projection_dim=32,
        pooled_projection_dim=12,
        pos_embed_max_size=12,
        qk_norm=qk_norm,
    ).eval()


@pytest.fixture
def folder(tmp_path):
    sd3().save_pretrained(tmp_path)
    return tmp_path


@torch.no_grad()
@pytest.mark.parametrize("qk_norm", [None, "rms_norm"])
@pytest.mark.parametrize(("height", "width"), [(16, 16), (18, 10)])
@pytest.mark.parametrize("ablation", ["isa", "isa-without-ispe", "controlnet-2d"])
def test_one_frame_through_the_inflated_model_is_the_image_models_own_output(
    tmp_path, qk_norm, height, width, ablation
):
    image_model = sd3(qk_norm)
    image_model.save_pretrained(tmp_path)
    sizes = {"points": SMALL.points, "image_width": SMALL.image_width}
    model = inflate_sd3(tmp_path, **sizes, conditioning=ablation).eval()
    config = replace(SMALL, conditioning=ablation)
    x, time, conditioning = inputs(config, latents=1, height=height, width=width)
    no_text, no_pooled = torch.zeros(2, 0, 20), torch.zeros(2, 12)
    predicted = image_model(x[:, :, 0], no_text, no_pooled, 1000 * time).sample
    # SD3 predicts ε − x0.
    torch.testing.assert_close(model(x, time, conditioning)[:, :, 0], -predicted, atol=1e-5, rtol=0)


def test_a_configuration_from_before_sd3_5_is_read_and_one_that_lacks_a_size_is_named(folder):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    del config["qk_norm"], config["dual_attention_layers"]
    path.write_text(json.dumps(config))
    assert inflate_sd3(folder, points=4, image_width=8).config.qk_norm is False
    del config["patch_size"]
    path.write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"config\.json lacks 'patch_size'"):
        inflate_sd3(folder, points=4, image_width=8)


def without(weights):
    del weights["transformer_blocks.1.attn.to_k.bias"]
    return "'transformer_blocks.1.attn.to_k.bias' is missing"


def with_another(weights):
    weights["transformer_blocks.0.attn2.to_q.weight"] = torch.zeros(3)
    return "'transformer_blocks.0.attn2.to_q.weight' belongs to no part"


def misshapen(weights):
    weights["proj_out.bias"] = torch.zeros(3)
    return r"'proj_out.bias' is \(3,\) where \(16,\) is needed"


@pytest.mark.parametrize("spoil", [without, with_another, misshapen])
def test_a_tensor_that_does_not_fit_is_named(folder, spoil):
    weights = load_file(folder / WEIGHTS)
    words = spoil(weights)
    save_file(weights, folder / WEIGHTS)
    with pytest.raises(ModelError, match=words):
        inflate_sd3(folder, points=4, image_width=8)


def test_a_folder_that_holds_no_sd3_is_named(folder):
    with pytest.raises(ModelError, match=r"cannot read config\.json"):
        inflate_sd3(folder / "nowhere", points=4, image_width=8)
    (folder / WEIGHTS).write_bytes(b"no tensors")
    with pytest.raises(ModelError, match="cannot read the weights"):
        inflate_sd3(folder, points=4, image_width=8)
    (folder / WEIGHTS).unlink()
    with pytest.raises(ModelError, match=r"no \.safetensors file"):
        inflate_sd3(folder, points=4, image_width=8)
    (folder / "config.json").write_text('{"_class_name": "AutoencoderKL"}')
    with pytest.raises(ModelError, match="does not describe an SD3"):
        inflate_sd3(folder, points=4, image_width=8)
