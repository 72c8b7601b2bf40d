"""A step that fails is taken in another way, and what cannot be helped is told."""

import pytest
import torch

from isa_engine.training.sprint import fallbacks as fallbacks_module
from isa_engine.training.sprint.fallbacks import Fallbacks
from tests.training.micro import micro_networks, one_batch


class Steps:
    """Fails in these ways, then returns how often it was asked."""

    def __init__(self, *errors: Exception):
        self.errors, self.taken = list(errors), 0

    def __call__(self) -> int:
        self.taken += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.taken


@pytest.fixture
def kernels():
    """Leaves the fused kernels as they were."""
    yield
    torch.backends.cuda.enable_flash_sdp(True)
    torch.backends.cuda.enable_mem_efficient_sdp(True)
    torch.backends.cuda.enable_cudnn_sdp(True)


def test_out_of_memory_halves_the_batch_until_it_fits():
    halved = []
    fallbacks = Fallbacks((), lambda: halved.append(1))
    assert fallbacks(Steps(torch.OutOfMemoryError("CUDA"), torch.OutOfMemoryError("CUDA"))) == 3
    assert len(halved) == 2
    assert [told.split(":")[0] for told in fallbacks.taken] == ["half the batch"] * 2


def test_a_step_that_does_not_compile_is_taken_eagerly():
    blocks = micro_networks().dit.transformer_blocks
    fallbacks = Fallbacks(blocks, pytest.fail)
    assert all(block._compiled_call_impl is not None for block in blocks)
    assert fallbacks(Steps(RuntimeError("no compiler"))) == 2
    assert all(block._compiled_call_impl is None for block in blocks)
    assert fallbacks.taken == ["not compiled: RuntimeError no compiler"]
    latents, *told = one_batch(0)
    assert micro_networks()(latents, torch.tensor([0.3, 0.8]), *told).isfinite().all()


def test_compiling_that_takes_too_long_is_given_up(monkeypatch):
    monkeypatch.setattr(fallbacks_module, "_COMPILES", 0.2)
    fallbacks = Fallbacks(micro_networks().dit.transformer_blocks, pytest.fail)
    calls = []

    def step():
        calls.append(fallbacks.compiled)
        while fallbacks.compiled:
            pass
        return "taken"

    assert fallbacks(step) == "taken"
    assert calls == [True, False]
    assert "TooSlow" in fallbacks.taken[0]


def test_attention_falls_back_to_plain_products_and_then_the_error_is_told(kernels):
    fallbacks = Fallbacks((), pytest.fail)
    assert fallbacks(Steps(RuntimeError("invalid argument"))) == 2
    assert not torch.backends.cuda.flash_sdp_enabled()
    assert torch.backends.cuda.math_sdp_enabled()
    with pytest.raises(RuntimeError, match="again"):
        fallbacks(Steps(RuntimeError("again")))
