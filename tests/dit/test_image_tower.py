"""CLIP's image tower: all tokens of a whole picture."""

from dataclasses import asdict, replace

import open_clip
import pytest
import torch
from open_clip.transformer import QuickGELU
from safetensors.torch import save_file

from isa_engine.configuration import ImageTowerConfig, isa_4b, isa_small
from isa_engine.dit import ImageTower
from isa_engine.errors import ModelError

SMALL = ImageTowerConfig(size=32, patch=8, width=32, layers=1, heads=2)


@pytest.fixture(scope="module")
def tower() -> ImageTower:
    torch.manual_seed(0)
    return ImageTower(**asdict(SMALL)).eval()


@torch.no_grad()
def test_every_patch_and_the_class_token_come_out(tower):
    tokens = tower(torch.rand(2, 3, 32, 32) * 2 - 1)
    assert tokens.shape == (2, 1 + 16, 32)
    assert tower.token_count == 17


@torch.no_grad()
def test_a_picture_of_the_towers_size_meets_clips_own_normalisation(tower):
    picture = torch.rand(1, 3, 32, 32)
    mean = torch.tensor(open_clip.OPENAI_DATASET_MEAN)[:, None, None]
    std = torch.tensor(open_clip.OPENAI_DATASET_STD)[:, None, None]
    pooled, patches = tower.transformer((picture - mean) / std)
    expected = torch.cat([pooled[:, None], patches], 1)
    torch.testing.assert_close(tower(picture * 2 - 1), expected, atol=1e-4, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("shape", [(64, 20), (20, 64), (1, 300), (31, 33)])
def test_the_whole_picture_is_seen_whatever_its_shape(tower, shape):
    picture = torch.zeros(1, 3, *shape)
    before = tower(picture)
    assert before.shape == (1, 17, 32)
    for corner in ((0, 0), (-1, -1)):
        marked = picture.clone()
        marked[..., corner[0], corner[1]] = 10
        assert not torch.allclose(tower(marked), before, atol=1e-3)


@torch.no_grad()
@pytest.mark.parametrize("shape", [(64, 20), (31, 33), (32, 32)])
def test_what_fits_is_all_that_the_tower_sees(tower, shape):
    picture = torch.rand(1, 3, *shape) * 2 - 1
    fitted = tower.fit(picture)
    assert fitted.shape == (1, 3, 32, 32)
    torch.testing.assert_close(tower.fit(fitted), fitted)
    torch.testing.assert_close(tower(fitted), tower(picture), atol=1e-5, rtol=0)


@torch.no_grad()
def test_weights_of_a_named_architecture_come_from_a_file(tmp_path):
    architecture = open_clip.get_model_config("ViT-S-32")
    clip = open_clip.CLIP(**architecture | {"text_cfg": {"vocab_size": 4, "layers": 1}}).eval()
    save_file({k: v.contiguous() for k, v in clip.state_dict().items()}, tmp_path / "clip.safetensors")
    tower = ImageTower(name="ViT-S-32", size=224, patch=32, width=384, layers=12, heads=6).eval()
    tower.load_open_clip(tmp_path / "clip.safetensors")
    picture = torch.rand(1, 3, 224, 224)
    expected = clip.visual((picture - tower.mean) / tower.std)
    found = tower(picture * 2 - 1)[:, 0] @ clip.visual.proj
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda w: w.pop("visual.ln_post.bias"), r"'visual\.ln_post\.bias' is missing"),
        (lambda w: w.update({"visual.extra": torch.zeros(1)}), r"'visual\.extra' belongs to no part"),
        (lambda w: w.update({"visual.ln_post.bias": torch.zeros(1)}), r"is \(1,\) where \(32,\) is needed"),
    ],
)
def test_a_tensor_that_does_not_fit_is_named(tower, tmp_path, change, words):
    weights = {f"visual.{name}": value.clone() for name, value in tower.transformer.state_dict().items()}
    change(weights)
    save_file(weights, tmp_path / "clip.safetensors")
    with pytest.raises(ModelError, match=words):
        tower.load_open_clip(tmp_path / "clip.safetensors")


def test_the_named_models_agree_with_open_clip():
    for config in (isa_small().image_tower, isa_4b().image_tower):
        with torch.device("meta"):
            ImageTower(**asdict(config))


_VIT_B = ImageTowerConfig(name="ViT-B-32", size=224, patch=32, width=768, layers=12, heads=12)


def test_a_named_architecture_keeps_its_activation():
    config = replace(_VIT_B, name="ViT-B-32-quickgelu")
    with torch.device("meta"):
        tower = ImageTower(**asdict(config))
    assert isinstance(tower.transformer.transformer.resblocks[0].mlp.gelu, QuickGELU)


def test_a_name_that_is_unknown_or_has_other_sizes_is_refused():
    with pytest.raises(ModelError, match="no architecture 'ViT-X'"):
        ImageTower(**asdict(replace(SMALL, name="ViT-X")))
    with pytest.raises(ModelError, match="'ViT-B-32' has"):
        ImageTower(**asdict(replace(SMALL, name="ViT-B-32")))
