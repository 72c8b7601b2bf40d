"""One model trained by several processes, each with a share of every tensor (FSDP2).

``accelerate launch --num_processes N -m isa_engine.cli train dit …`` starts them; a process alone pays
nothing for it.
"""

import os
from typing import Any

import torch
import torch.distributed
from accelerate import Accelerator, PartialState
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin, broadcast_object_list
from torch import Tensor
from torch.distributed.fsdp import MixedPrecisionPolicy
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.utils._pytree import tree_map


def make_accelerator(precision: str, device: torch.device | str) -> Accelerator:
    """The devices of this process, and the sharding if it has companions.

    Args:
        precision: "fp32", or "bf16" for products in bfloat16; weights and their optimiser stay float32.
        device: "cpu", or the kind of GPU that each process takes one of.
    """
    mixed = {"fp32": "no", "bf16": "bf16"}[precision]
    plugin = None
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        # Inputs keep their precision: a timestep or a coordinate rounded to bfloat16 is another one.
        policy = MixedPrecisionPolicy(
            param_dtype=torch.bfloat16 if mixed == "bf16" else None,
            reduce_dtype=torch.float32,
            cast_forward_inputs=False,
        )
        plugin = FullyShardedDataParallelPlugin(
            fsdp_version=2,
            auto_wrap_policy="transformer_based_wrap",
            mixed_precision_policy=policy,
            cpu_ram_efficient_loading=False,
        )
    on_cpu = torch.device(device).type == "cpu"
    accelerator = Accelerator(mixed_precision=mixed, fsdp_plugin=plugin, cpu=on_cpu)
    if plugin and on_cpu:
        # Accelerate shards on GPUs alone unless it is told.
        PartialState().distributed_type = accelerator.state.distributed_type = DistributedType.FSDP
        accelerator.state.fsdp_plugin = plugin
    return accelerator


def leads() -> bool:
    """Whether this process is the one that writes files."""
    return int(os.environ.get("RANK", "0")) == 0


def agreed(answer: bool) -> bool:
    """The leading process's answer, in all of them: their clocks differ, and they save and stop together."""
    if not torch.distributed.is_initialized():
        return answer
    return broadcast_object_list([answer])[0]


def whole(state: Any, keep: bool = True) -> Any:
    """The same nest of lists and dictionaries with every shared tensor put together, on the CPU.

    All processes call it together; those that do not ``keep`` the result get empty tensors for the shared.
    """

    def one(value: Any) -> Any:
        if not isinstance(value, DTensor):
            return value
        value = value.detach().full_tensor()
        return value.cpu() if keep else value.new_empty(0)

    return tree_map(one, state)


def share(value: Tensor, like: Tensor) -> Tensor:
    """A whole tensor as a tensor that lies where ``like`` does: this process's share of it, or all of it."""
    value = value.to(like.device)
    if not isinstance(like, DTensor):
        return value
    return distribute_tensor(value, like.device_mesh, like.placements)
