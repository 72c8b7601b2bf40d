"""What a step falls back to when it fails: slower, but it learns."""

import time
from collections.abc import Callable, Iterable
from typing import TypeVar

import torch
from torch import nn

from isa_engine.errors import ran_out_of_memory
from isa_engine.networks.compiling import compile_blocks, run_eagerly
from isa_engine.training.sprint.clock import within

T = TypeVar("T")
# Seconds that compiling may take in all, and steps in which every kind of batch should have come.
_COMPILES, _FIRST_STEPS = 60.0, 40


class Fallbacks:
    """``fallbacks(step)`` → what ``step`` returns, after as many changes as it takes to succeed.

    Args:
        blocks: of the network that learns, to be compiled now.
        halve: makes batches half as large; raises where they cannot be smaller.

    Attributes:
        taken: what was changed, and why.
    """

    def __init__(self, blocks: Iterable[nn.Module], halve: Callable[[], None]):
        self.blocks, self.halve = tuple(blocks), halve
        self.compiled = bool(self.blocks)
        self.taken: list[str] = []
        self._steps, self._budget = 0, _COMPILES
        self._plain_attention = False
        compile_blocks(self.blocks)

    def __call__(self, step: Callable[[], T]) -> T:
        while True:
            try:
                return self._timed(step)
            except Exception as error:
                if ran_out_of_memory(error):
                    self._note("half the batch", error)
                    self.halve()
                    torch.cuda.empty_cache()
                elif self.compiled:
                    self._note("not compiled", error)
                    self.compiled = False
                    run_eagerly(self.blocks)
                elif isinstance(error, RuntimeError) and not self._plain_attention:
                    self._note("attention without fused kernels", error)
                    self._plain_attention = True
                    torch.backends.cuda.enable_flash_sdp(False)
                    torch.backends.cuda.enable_mem_efficient_sdp(False)
                    torch.backends.cuda.enable_cudnn_sdp(False)
                else:
                    raise

    def _timed(self, step: Callable[[], T]) -> T:
        """A step; the first ones, which compile, within what is left of their time."""
        self._steps += 1
        if not self.compiled or self._steps > _FIRST_STEPS:
            return step()
        began = time.monotonic()
        try:
            with within(self._budget):
                return step()
        finally:
            self._budget -= time.monotonic() - began

    def _note(self, change: str, error: Exception) -> None:
        reason = str(error).strip().splitlines()
        self.taken.append(f"{change}: {type(error).__name__} {reason[0][:200] if reason else ''}")
        print(self.taken[-1], flush=True)
