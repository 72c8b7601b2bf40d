"""Linear layers whose weights stay in the machine's memory compute what they did."""

import copy
from dataclasses import replace

import pytest
import torch

from isa_engine.networks.from_memory import FromMemory, keep_in_memory
from tests.dit.small_models import SMALL, inputs, transformer

WINDOWED = {"temporal_window": 2, "temporal_stride": 1, "temporal_anchor": 1}


@pytest.mark.parametrize("changes", [{}, WINDOWED, {"conditioning": "controlnet-2d"}])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_not_a_bit_changes_where_products_are_of_the_numbers_that_are_kept(changes, dtype):
    whole, given = transformer(**changes), inputs(replace(SMALL, **changes), latents=4)
    kept = copy.deepcopy(whole)
    keep_in_memory(kept, torch.device("cpu"), dtype)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        assert torch.equal(kept(*given), whole(*given))


@pytest.mark.parametrize("changes", [{}, WINDOWED])
def test_all_but_linear_layers_is_on_the_device_and_these_leave_nothing_there(changes):
    """The meta device stands for a GPU, and refuses to compute with what is elsewhere."""
    model = transformer(**changes)
    keep_in_memory(model, torch.device("meta"), torch.float32)
    # In training no value is looked at, and on the meta device there is none.
    assert model.train()(*inputs(latents=4, device="meta")).is_meta
    linears = [module for module in model.modules() if isinstance(module, torch.nn.Linear)]
    assert all(type(linear) is FromMemory and not linear.weight.is_meta for linear in linears)
    assert sum(linear.weight.numel() for linear in linears) > 0.9 * sum(p.numel() for p in model.parameters())
