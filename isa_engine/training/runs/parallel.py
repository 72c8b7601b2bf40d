"""One model trained by several processes, each with a share of every tensor (FSDP2).

``torchrun --nproc-per-node N -m isa_engine.cli train dit …`` starts them, or ``accelerate launch``; a process
alone pays nothing for it.
"""

import os
from typing import Any, TypeVar

import torch
import torch.distributed
from accelerate import Accelerator, PartialState
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin, broadcast_object_list
from torch import Tensor
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.utils._pytree import tree_map

T = TypeVar("T")


def make_accelerator(device: torch.device | str) -> Accelerator:
    """The device of this process, and the sharding if it has companions.

    Precision is the trainer's own, by autocast: here every tensor stays float32, which a GPU multiplies as
    TF32.

    Args:
        device: "cpu", or "cuda", of which each process takes one.
    """
    plugin = None
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        plugin = FullyShardedDataParallelPlugin(
            fsdp_version=2, auto_wrap_policy="transformer_based_wrap", cpu_ram_efficient_loading=False
        )
    on_cpu = torch.device(device).type == "cpu"
    if not on_cpu:
        torch.set_float32_matmul_precision("high")
    accelerator = Accelerator(mixed_precision="no", fsdp_plugin=plugin, cpu=on_cpu)
    if plugin and on_cpu:
        # Accelerate shards on GPUs alone unless it is told.
        PartialState().distributed_type = accelerator.state.distributed_type = DistributedType.FSDP
        accelerator.state.fsdp_plugin = plugin
    return accelerator


def leads() -> bool:
    """Whether this process is the one that writes files."""
    return int(os.environ.get("RANK", "0")) == 0


def agreed(answer: T) -> T:
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
