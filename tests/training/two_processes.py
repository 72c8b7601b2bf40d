"""A training run shared by two processes on this machine, and the same run in one."""

import dataclasses
import json
import multiprocessing
import os
import socket
from pathlib import Path

import torch

from isa_engine.training.configuration import DiTTraining
from isa_engine.training.dit.trainer import DiTTrainer
from isa_engine.training.runs.parallel import agreed, leads, make_accelerator
from isa_engine.training.runs.run import Run
from tests.training.micro import micro_networks, one_batch

STEPS = 3
SETTINGS = DiTTraining(steps=STEPS, learning_rate=3e-3, warm_up=1, ema=0.9)


class BothBatches(DiTTrainer):
    """One process that sees in a step what two see together."""

    def batch_loss(self, number: int) -> torch.Tensor:
        return (super().batch_loss(2 * number) + super().batch_loss(2 * number + 1)) / 2


def alone(**changes) -> DiTTrainer:
    return BothBatches(dataclasses.replace(SETTINGS, **changes), one_batch, networks=micro_networks())


def together(folder: Path, **changes) -> None:
    """Train in two processes, interrupted before the last step; leaves curve, checkpoint and weights."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # Both are forked from a process that has imported this module, which takes seconds.
    multiprocessing.set_forkserver_preload([__name__])
    torch.multiprocessing.start_processes(
        _train, (str(port), folder, changes), nprocs=2, start_method="forkserver"
    )


def _train(rank: int, port: str, folder: Path, changes: dict) -> None:
    torch.set_num_threads(1)
    names = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    os.environ.update(names | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port})
    settings = dataclasses.replace(SETTINGS, **changes)
    first = DiTTrainer(settings, one_batch, make_accelerator("cpu"), micro_networks())
    assert agreed(leads())
    curve = [first.step()["loss"].item() for _ in range(STEPS - 1)]
    state = first.state()
    if leads():
        Run(folder).save(state)
    first.accelerator.wait_for_everyone()
    second = DiTTrainer(settings, one_batch, make_accelerator("cpu"), micro_networks())
    second.load(Run(folder).load())
    curve.append(second.step()["loss"].item())
    second.export(folder)
    shares = [parameter.to_local().numel() for parameter in second.networks.parameters()]
    (folder / f"{rank}.json").write_text(json.dumps({"curve": curve, "parameters": sum(shares)}))
    torch.distributed.destroy_process_group()
