"""How fast synthetic clips are made: for a second of one core's own time, whatever else the machine does."""

import time
from collections.abc import Iterator

import torch

from isa_engine.data.clips.sources import synthetic_humans
from isa_engine.data.scenario.split import Split

# Frames, height and width of the clips that training draws most.
SHAPES = (
    *((1, 128, 128), (9, 128, 128), (17, 128, 128), (33, 128, 128)),
    *((9, 128, 224), (9, 256, 256), (17, 256, 256)),
)
_POINTS = 256
_REPETITIONS = 3


def clip_speeds(split: Split, clips: int) -> Iterator[tuple[tuple[int, int, int], float]]:
    """Each of ``SHAPES``, and how many such clips a second of processor time makes; the fastest of three
    repetitions of each seed counts.

    Args:
        clips: how many seeds of nine frames; so many fewer of longer clips.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        humans = synthetic_humans(_POINTS, "cpu", split)
        humans.clip(0, 1, 64, 64)
        for shape in SHAPES:
            seeds = range(max(1, clips * 9 // max(9, shape[0])))
            yield shape, len(seeds) / sum(_seconds(humans, seed, shape) for seed in seeds)
    finally:
        torch.set_num_threads(threads)


def _seconds(humans, seed: int, shape: tuple[int, int, int]) -> float:
    taken = []
    for _ in range(_REPETITIONS):
        start = time.process_time()
        humans.clip(seed, *shape)
        taken.append(time.process_time() - start)
    return min(taken)
