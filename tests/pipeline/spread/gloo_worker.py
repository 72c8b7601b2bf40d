"""A worker in a process of its own: tokens go by gloo, and all else by a pipe."""

import itertools
import multiprocessing
import os
import pickle
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

from isa_engine.dit import Conditioning
from isa_engine.dit.background_gate import Prediction
from isa_engine.pipeline.isa.model import Model
from isa_engine.pipeline.spread.mail import Line, Lost

_READY = b"ready"


class Wire:
    """A ``Mailbox`` of two processes: what one puts, the other takes.

    Gloo cannot be told that nobody will send: whoever waits finds out as the connection breaks, or after the
    group's timeout.
    """

    def __init__(self, other: int):
        self.other = other
        self._sent: list[tuple[dist.Work, Tensor]] = []

    def put(self, worker: int, call: int, tokens: Tensor) -> None:
        shape = torch.tensor(tokens.shape)
        try:
            for tag, tensor in ((2 * call, shape), (2 * call + 1, tokens.contiguous())):
                # A tensor that is on its way has to be kept.
                self._sent.append((dist.isend(tensor, self.other, tag=tag), tensor))
        except RuntimeError as error:
            raise Lost from error

    def take(self, worker: int, call: int) -> Tensor:
        shape = torch.empty(4, dtype=torch.long)
        try:
            dist.recv(shape, self.other, tag=2 * call)
            tokens = torch.empty(*shape.tolist())
            dist.recv(tokens, self.other, tag=2 * call + 1)
        except RuntimeError as error:
            raise Lost from error
        return tokens

    def hang_up(self) -> None:
        pass


class GlooWorker:
    """A ``Worker``: the second process of two."""

    name = "the second process"

    def __init__(self, process: multiprocessing.Process, pipe, patience: float):
        self.process, self.pipe, self.patience = process, pipe, patience
        self._numbers = itertools.count()

    def mailbox(self, evaluation: int) -> Wire:
        return Wire(1)

    def told(self, conditioning: Conditioning) -> int:
        number = next(self._numbers)
        self._say(("told", number, conditioning))
        return number

    def share(
        self, latents: Tensor, timestep: Tensor, told: int, line: Line, points: list[int] | None
    ) -> Prediction:
        if points is not None and not points:
            points.append(next(self._numbers))
        self._say(("share", latents, timestep, told, points[0] if points else None))
        if not self.pipe.poll(self.patience):
            raise TimeoutError
        return pickle.loads(self.pipe.recv_bytes())

    def leave(self) -> None:
        self.process.kill()

    def _say(self, what: tuple) -> None:
        self.pipe.send_bytes(pickle.dumps(what))


@contextmanager
def second_process(make: Callable[[], Model], patience: float, fate: int | None) -> Iterator[GlooWorker]:
    """A worker with a model of its own.

    Args:
        make: the model; found by its name in the other process.
        patience: seconds without an answer after which the other process is lost.
        fate: the signal that it gets in the third evaluation; None: it works to the end.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(make, address, patience, fate, theirs), daemon=True)
    process.start()
    # Or it would stay open here when the process is dead.
    theirs.close()
    assert ours.recv_bytes() == _READY
    _join(address, 0, patience)
    try:
        yield GlooWorker(process, ours, patience)
    finally:
        process.kill()
        process.join()
        dist.destroy_process_group()


def _join(address: str, rank: int, patience: float) -> None:
    waiting = {"world_size": 2, "timeout": timedelta(seconds=patience)}
    dist.init_process_group("gloo", init_method=address, rank=rank, **waiting)


def _serve(make: Callable[[], Model], address: str, patience: float, fate: int | None, pipe) -> None:
    torch.set_num_threads(1)
    model = make()
    pipe.send_bytes(_READY)
    _join(address, 1, patience)
    known: dict[int, Conditioning] = {}
    kept: dict[int, list[Tensor]] = {}
    evaluations = itertools.count(1)
    while True:
        kind, *said = pickle.loads(pipe.recv_bytes())
        if kind == "told":
            known[said[0]] = said[1]
            continue
        latents, timestep, told, points = said
        if next(evaluations) == 3 and fate is not None:
            os.kill(os.getpid(), fate)
        own = None if points is None else kept.setdefault(points, [])
        wire = Wire(0)
        found = model.predict_share(latents, timestep, known[told], Line(1, [wire, wire]), own)
        pipe.send_bytes(pickle.dumps(found))
