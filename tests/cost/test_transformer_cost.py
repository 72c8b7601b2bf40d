"""The cost that is printed is the cost that torch counts."""

from dataclasses import asdict, replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from isa_engine.configuration import ABLATIONS, MODELS, READOUTS, RENDERINGS, DiTConfig, model_config
from isa_engine.cost.products import operations, weights
from isa_engine.cost.transformer import transformer as products
from isa_engine.dit import ISADiT
from isa_engine.dit.parameters import parameters
from tests.dit.small_models import SMALL, inputs, transformer

# The ablations of the larger ones take their time.
NAMED = [
    *MODELS,
    *(f"isa-tiny-{variant}" for variant in (*ABLATIONS, *READOUTS, *RENDERINGS)),
    *(
        pytest.param(f"{model}-{ablation}", marks=pytest.mark.slow)
        for model in MODELS
        for ablation in ABLATIONS
        if model != "isa-tiny"
    ),
]


@pytest.fixture(scope="module", params=NAMED)
def named(request) -> tuple[DiTConfig, ISADiT]:
    config = model_config(request.param).dit
    with torch.device("meta"):
        return config, ISADiT(**asdict(config))


def counted(config: DiTConfig, model: ISADiT, size: dict[str, int]) -> int:
    # In training no value is looked at, and on the meta device there is none.
    x, time, conditioning = inputs(config, batch=1, device="meta", **size)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(x, time, conditioning)
    return counter.get_total_flops()


def operations_of(config: DiTConfig, **size: int) -> dict[str, int]:
    return operations(products(config, **size))


def test_operations_equal_what_torch_counts(named):
    size = {"latents": 5, "height": 12, "width": 8, "characters": 3, "image_tokens": 50}
    assert sum(operations_of(named[0], **size).values()) == counted(*named, size)


@pytest.mark.parametrize(
    "change", [{"latents": 1}, {"characters": 1}, {"height": 4}, {"width": 20}, {"image_tokens": 1}]
)
@pytest.mark.parametrize("conditioning", ["isa", "controlnet-2d"])
def test_operations_follow_every_size(change, conditioning):
    size = {"latents": 2, "height": 12, "width": 8, "characters": 3, "image_tokens": 50} | change
    config = replace(SMALL, conditioning=conditioning)
    model = transformer(conditioning=conditioning).to("meta").train()
    # Torch calls attention in groups of a few element-wise, and leaves it out.
    assert sum(operations_of(config, **size).values()) == pytest.approx(
        counted(config, model, size), rel=0.01
    )


@pytest.mark.parametrize("latents", [3, 4, 7, 12])
@pytest.mark.parametrize("anchor", [0, 2])
@pytest.mark.parametrize("conditioning", ["isa", "controlnet-2d"])
def test_windows_of_time_cost_what_torch_counts(latents, anchor, conditioning):
    windows = {"temporal_window": 3, "temporal_stride": 2, "temporal_anchor": anchor}
    config = replace(SMALL, conditioning=conditioning, **windows)
    size = {"latents": latents, "height": 12, "width": 8, "characters": 2, "image_tokens": 20}
    model = transformer(conditioning=conditioning, **windows).to("meta").train()
    assert sum(operations_of(config, **size).values()) == pytest.approx(
        counted(config, model, size), rel=0.01
    )


def test_in_windows_twice_the_video_costs_twice_as_much():
    config = replace(model_config("isa-tiny").dit, temporal_window=9)
    size = {"height": 16, "width": 16, "characters": 2, "image_tokens": 34}
    some, more = (sum(operations_of(config, latents=n, **size).values()) for n in (253, 505))
    assert more / some == pytest.approx(504 / 252, rel=0.01)


def test_points_that_are_read_as_they_were_cost_what_torch_counts():
    size = {"latents": 3, "height": 12, "width": 8, "characters": 2, "image_tokens": 20}
    model, given = transformer().to("meta").train(), inputs(SMALL, batch=1, device="meta", **size)
    points = []
    with torch.no_grad(), FlopCounterMode(display=False) as whole:
        model.predict(*given, points)
    with torch.no_grad(), FlopCounterMode(display=False) as spared:
        model.predict(*given, points)
    for counter, moved in ((whole, True), (spared, False)):
        counted = counter.get_total_flops()
        assert sum(operations_of(SMALL, **size, moved=moved).values()) == pytest.approx(counted, rel=0.01)
    assert spared.get_total_flops() < 0.7 * whole.get_total_flops()


def test_weights_are_the_parameters_but_for_biases_and_norms(named):
    size = {"latents": 1, "height": 2, "width": 2, "characters": 1, "image_tokens": 1}
    assert weights(products(named[0], **size)) == pytest.approx(named[1].num_parameters(), rel=0.02)


def test_parameters_by_part_are_all_parameters(named):
    assert sum(parameters(named[0]).values()) == named[1].num_parameters()


def test_the_papers_size_has_about_four_billion_parameters():
    assert 3.5e9 <= sum(parameters(model_config("isa-4b").dit).values()) <= 4.5e9


def test_the_smallest_has_fewer_than_ten_million():
    assert sum(parameters(model_config("isa-tiny").dit).values()) < 10e6


def test_ispe_costs_no_products():
    config = model_config("isa-small").dit
    ablated = replace(config, conditioning="isa-without-ispe")
    size = {"latents": 2, "height": 4, "width": 4, "characters": 1, "image_tokens": 3}
    assert operations_of(config, **size) == operations_of(ablated, **size)
    assert parameters(config) == parameters(ablated)
