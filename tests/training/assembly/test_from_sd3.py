"""A run starts from SD3's files by a folder that the command makes."""

import dataclasses
import json

import pytest
import torch
from safetensors.torch import load_file

from isa_engine import cli
from isa_engine.configuration import MODELS, DiTConfig, VAEConfig, model_config
from isa_engine.pipeline.isa.model import build_model
from tests.dit.test_sd3_adapter import sd3
from tests.pipeline.shots import MICRO
from tests.vae.test_inflate import image_autoencoder


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """Small networks of SD3's kind, as diffusers saves them."""
    folder = tmp_path_factory.mktemp("sd3")
    transformer = sd3(channels=16)
    transformer.save_pretrained(folder / "transformer")
    image_autoencoder((32, 32, 64, 64)).save_pretrained(folder / "vae")
    return folder


@pytest.fixture
def named(monkeypatch) -> str:
    def small():
        return dataclasses.replace(
            MICRO,
            name="small",
            vae=VAEConfig(block_out_channels=(32, 32, 64, 64)),
            dit=DiTConfig(
                width=32,
                layers=2,
                heads=4,
                points=8,
                image_width=MICRO.dit.image_width,
                position_grid=(12, 8),
                qk_norm=False,
                latent_channels=16,
            ),
        )

    monkeypatch.setitem(MODELS, "small", small)
    return "small"


def inflate(theirs, out, name: str) -> int:
    folders = "--vae", str(theirs / "vae"), "--transformer", str(theirs / "transformer")
    return cli.main(["model", "inflate", *folders, "--out", str(out), "--model", name])


def test_the_folder_holds_the_whole_model(theirs, named, tmp_path, capsys):
    assert inflate(theirs, tmp_path / "start", named) == 0
    assert f'start = "{tmp_path / "start"}"' in capsys.readouterr().out
    loaded = build_model(model_config(named), tmp_path / "start", "cpu")
    assert loaded.dit.config.position_grid == (12, 8)
    (weights,) = (theirs / "transformer").glob("*.safetensors")
    name = "transformer_blocks.0.attn.to_q.weight"
    assert torch.equal(
        loaded.dit.transformer_blocks[0].spatial.attention.to_q.weight, load_file(weights)[name]
    )
    (weights,) = (theirs / "vae").glob("*.safetensors")
    kernel = loaded.vae.decoder.conv_in.weight
    assert torch.equal(kernel[:, :, -1], load_file(weights)["decoder.conv_in.weight"])
    assert not kernel[:, :, :-1].any()
    card = json.loads((tmp_path / "start" / "card.json").read_text())
    assert card["model"] == named
    assert set(card["start"]) == {"vae", "dit"}


def test_other_sizes_are_refused_by_name(theirs, named, tmp_path, capsys, monkeypatch):
    deep = dataclasses.replace(
        model_config(named), dit=dataclasses.replace(model_config(named).dit, layers=3)
    )
    monkeypatch.setitem(MODELS, "deep", lambda: dataclasses.replace(deep, name="deep"))
    assert inflate(theirs, tmp_path / "start", "deep") == 1
    assert "layers is 2 here and 3 in 'deep'" in capsys.readouterr().err
    assert not (tmp_path / "start").exists()
