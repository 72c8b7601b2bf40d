"""A task on a Ray cluster that says, as it goes, that it lives: one that hangs is noticed, and ended."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from isa_engine.pipeline.spread.nodes import Silent

# A task is given up where it has not said for so long that it lives. While it loads its libraries from a slow
# disk it cannot say so.
SILENT_SECONDS = 120


class Task:
    """A generator of ``remote`` that runs on some node, as soon as one is free.

    Args:
        place: what it takes of its node, in Ray's words.
        work: the generator.

    Attributes:
        stream: for ``ray.wait``.
        place: node and process; None while it waits for a node.
    """

    def __init__(self, place: dict[str, float], work: Callable[..., Iterator[dict[str, Any]]], *given: Any):
        # Where it is lost it begins anew from what was done, which Ray does not know.
        options = {**place, "name": work.__name__, "num_returns": "streaming", "max_retries": 0}
        self.stream = ray.remote(_told).options(**options).remote(work, *given)
        self.place: tuple[str, int] | None = None
        self._heard = 0.0

    def said(self) -> Iterator[dict[str, Any]]:
        """What it has said since it was last asked.

        Raises:
            Silent: it hangs, and was ended.
            RayError: its node is lost, or its work failed.
        """
        while ray.wait([self.stream], timeout=0)[0]:
            try:
                message = ray.get(next(self.stream))
            except StopIteration:
                return
            self._heard = time.monotonic()
            if "place" in message:
                self.place = message["place"]
            else:
                yield message
        if self.place is not None and time.monotonic() - self._heard > SILENT_SECONDS:
            _end(*self.place)
            raise Silent

    def cancel(self) -> None:
        ray.cancel(self.stream)


def _told(work: Callable[..., Iterator[dict[str, Any]]], *given: Any) -> Iterator[dict[str, Any]]:
    """What a task does: it first says where it runs."""
    yield {"place": (ray.get_runtime_context().get_node_id(), os.getpid())}
    yield from work(*given)


def _end(node: str, process: int) -> None:
    """End a process that does not answer Ray any more, on whichever node it is. What it had of the node, and
    the nodes that shared its take, are free again then."""
    there = NodeAffinitySchedulingStrategy(node, soft=False)
    ray.remote(_kill).options(num_cpus=0, max_retries=0, scheduling_strategy=there).remote(process)


def _kill(process: int) -> None:
    os.kill(process, signal.SIGKILL)
