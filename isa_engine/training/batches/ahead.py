"""Batches made ahead by threads while the device learns from the ones before."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """``ahead(number)`` equals ``batches(number)``, sooner where numbers are asked for in order.

    Args:
        batches: makes the batch of a number; several threads call it.
        depth: batches made ahead, each by a thread of its own; zero makes each when it is asked for.
        stride: from one number asked for to the next.
    """

    def __init__(self, batches: Callable[[int], T], depth: int, stride: int = 1):
        self.batches, self.depth, self.stride = batches, depth, stride
        self._threads = ThreadPoolExecutor(max(1, depth), "batch")
        self._coming: dict[int, Future[T]] = {}

    def __call__(self, number: int) -> T:
        wanted = range(number, number + (self.depth + 1) * self.stride, self.stride)
        for unwanted in self._coming.keys() - set(wanted):
            self._coming.pop(unwanted).cancel()
        if not self.depth:
            return self.batches(number)
        for each in wanted:
            if each not in self._coming:
                self._coming[each] = self._threads.submit(self.batches, each)
        return self._coming.pop(number).result()
