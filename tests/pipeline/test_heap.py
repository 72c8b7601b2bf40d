"""Gaps of the heap go back to the system."""

import sys
from pathlib import Path

import numpy as np
import pytest

from isa_engine.pipeline import heap

BLOCK, COUNT = 2**16, 2**10


@pytest.mark.skipif(heap._trim is None, reason="the heap is not glibc's")
def test_gaps_between_blocks_that_are_used_go_back_to_the_system():
    heap.give_back()
    blocks = [np.ones(BLOCK, np.uint8) for _ in range(COUNT)]
    # What stays in the middle is why the heap cannot simply end earlier.
    blocks = blocks[::32]
    before = resident()
    heap.give_back()
    assert resident() < before - BLOCK * COUNT / 2
    assert all(block.all() for block in blocks)


def test_where_the_heap_is_not_glibcs_nothing_is_done(monkeypatch):
    monkeypatch.setattr(heap, "_trim", None)
    heap.give_back()
    for other in ("darwin", "win32"):
        monkeypatch.setattr(sys, "platform", other)
        assert heap._found() is None


def resident() -> int:
    """Bytes of the process that are in memory."""
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * 4096
