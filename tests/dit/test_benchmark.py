"""The speed that ``isa-engine bench model`` prints."""

from dataclasses import replace

import torch

from isa_engine import cli
from isa_engine.configuration import DiTConfig
from isa_engine.cost.products import operations
from isa_engine.cost.transformer import transformer
from isa_engine.dit.benchmark import MATMUL, OURS, Sizes, measure, take_turns

SIZES = Sizes(width=32, heads=2, latents=5, space=16, points=5)


def test_our_block_is_a_layer_of_the_model():
    config = DiTConfig(width=32, heads=2, points=5, layers=1)
    size = {"latents": 5, "height": 8, "width": 8, "characters": 1, "image_tokens": 257}
    model = [sum(operations(transformer(replace(config, layers=n), **size)).values()) for n in (2, 3)]
    assert measure(SIZES, "cpu", torch.float32, 1)[OURS].operations == model[1] - model[0]


def test_repetitions_take_turns():
    turns = []
    seconds = take_turns({name: lambda name=name: turns.append(name) for name in "ab"}, 3, "cpu")
    assert turns == [*"ab"] * 4
    assert [len(of) for of in seconds.values()] == [3, 3]


def test_bfloat16_blocks_run():
    assert all(speed.rate > 0 for speed in measure(SIZES, "cpu", torch.bfloat16, 1).values())


def test_the_command_prints_a_share_for_each_block(capsys):
    sizes = ["--width", "32", "--heads", "2", "--latents", "2", "--tokens", "4", "--points", "3"]
    assert cli.main(["bench", "model", *sizes, "--repetitions", "1", "--profile"]) == 0
    out = capsys.readouterr().out
    for name in (MATMUL, OURS, "SD3", "Latte", "Wan"):
        assert name in out
    assert any(product in out for product in ("aten::addmm", "mkldnn::_linear_pointwise"))


def test_a_width_that_does_not_divide_into_heads_is_one_line(capsys):
    assert cli.main(["bench", "model", "--width", "30", "--heads", "4"]) == 1
    assert "a block of width 30, 4 heads" in capsys.readouterr().err
