"""The ablation that is conditioned in 2D: normal maps in place of points and interspatial attention."""

from dataclasses import replace

import pytest
import torch

from isa_engine.configuration import MODELS, NORMAL_DETAIL, model_config
from isa_engine.dit import ISADiT
from isa_engine.dit.normal_maps import pack_normals
from isa_engine.geometry.surface import POINTS
from tests.dit.small_models import SMALL, inputs, moved, permuted, transformer

IN_2D = replace(SMALL, conditioning="controlnet-2d")
# What a block of the paper's model is made of; weights that are published depend on it.
ISA_BLOCK = ["spatial_modulation", "spatial", "temporal", "point_temporal", "isa", "camera", "image"]


@pytest.fixture(scope="module")
def model() -> ISADiT:
    return transformer(conditioning="controlnet-2d")


@pytest.fixture(autouse=True)
def _no_grad():
    with torch.no_grad():
        yield


def children(module: torch.nn.Module) -> list[str]:
    return [name for name, _ in module.named_children()]


def test_it_is_the_same_transformer_without_points_and_isa(model):
    isa = transformer()
    assert children(isa.transformer_blocks[0]) == ISA_BLOCK
    swapped = [n for n in ISA_BLOCK if n not in ("point_temporal", "isa")]
    swapped.insert(swapped.index("camera"), "control")
    assert children(model.transformer_blocks[0]) == swapped
    in_isa_alone = set(children(isa)) - set(children(model))
    assert in_isa_alone == {"point_tokens"}
    assert set(children(model)) - set(children(isa)) == {"normal_tokens"}


@pytest.mark.parametrize("name", MODELS)
def test_ablations_are_configurations_of_a_named_model(name):
    isa = model_config(f"{name}-without-splat")
    assert replace(model_config(name).dit, identity_splat=False, reprojection=False) == isa.dit
    without = model_config(f"{name}-without-ispe")
    assert without == replace(isa, name=without.name, dit=replace(isa.dit, conditioning="isa-without-ispe"))
    in_2d = model_config(f"{name}-controlnet-2d")
    changes = {"conditioning": "controlnet-2d", "points": POINTS}
    assert in_2d == replace(isa, name=in_2d.name, dit=replace(isa.dit, **changes))


def test_a_fresh_control_is_a_no_op(model):
    fresh = transformer(conditioning="controlnet-2d", speaking=False)
    for name, parameter in fresh.named_parameters():
        if not parameter.any() and "control" not in name:
            torch.nn.init.normal_(parameter, std=0.3)
    x, time, conditioning = inputs(IN_2D)
    elsewhere = moved(conditioning, "normal_maps", ...)
    assert torch.equal(fresh(x, time, conditioning), fresh(x, time, elsewhere))
    assert not torch.allclose(model(x, time, conditioning), model(x, time, elsewhere), atol=1e-4)


@pytest.mark.parametrize("field", ["points", "ndc", "identity"])
def test_points_have_no_say(model, field):
    x, time, conditioning = inputs(IN_2D)
    before = model(x, time, conditioning)
    assert torch.equal(before, model(x, time, moved(conditioning, field, ...)))
    assert torch.equal(before, model(x, time, permuted(conditioning, torch.arange(0))))


@pytest.mark.parametrize("field", ["image_tokens", "reference_latents", "background_latents", "cameras"])
def test_every_other_condition_keeps_its_say(model, field):
    x, time, conditioning = inputs(IN_2D)
    changed = moved(conditioning, field, (slice(None), ..., 0))
    assert not torch.allclose(model(x, time, conditioning), model(x, time, changed), atol=1e-4)


def test_without_cast_the_maps_are_empty():
    conditioning = inputs(IN_2D)[2]
    assert conditioning.normal_maps.any()
    assert not conditioning.without_cast().normal_maps.any()


def test_a_map_reaches_the_latent_of_its_window_and_the_pixel_that_shows_it(model):
    one = transformer(conditioning="controlnet-2d", layers=1)
    for branch in ("spatial", "temporal"):
        getattr(one.transformer_blocks[0], branch).attention.to_out.weight.zero_()
    x, time, conditioning = inputs(IN_2D, batch=1)
    before = one(x, time, conditioning)
    for frame, latent in ((0, 0), (1, 1), (4, 1), (5, 2)):
        pictures = torch.zeros(9, 3, 8 * NORMAL_DETAIL, 6 * NORMAL_DETAIL)
        pictures[frame, 0, 5 * NORMAL_DETAIL, 2 * NORMAL_DETAIL] = 1
        maps = conditioning.normal_maps + pack_normals(pictures)[None]
        after = one(x, time, replace(conditioning, normal_maps=maps))
        changed = ((after - before).abs() > 1e-5).any(1)[0]
        # A token is two latent pixels wide.
        expected = torch.zeros_like(changed)
        expected[latent, 4:6, 2:4] = True
        assert torch.equal(changed, expected)


@pytest.mark.parametrize("checkpointing", [False, True])
def test_the_gradient_reaches_every_parameter(checkpointing):
    model = transformer(conditioning="controlnet-2d").train()
    if checkpointing:
        model.enable_gradient_checkpointing()
    with torch.enable_grad():
        model(*inputs(IN_2D)).square().mean().backward()
    assert [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []
