"""Denoises a take in a process of its own, one step of isa-tiny on 64 × 64 pixels, and prints the most memory
that it had in use, in bytes.

usage: python -m tests.cost.denoising_process FRAMES
"""

import sys

from isa_engine.evaluation.measures.peak_memory import peak_memory
from isa_engine.pipeline import load_model
from isa_engine.pipeline.generation import denoise
from tests.farm.bundles import take


def main(frames: int) -> None:
    model = load_model("isa-tiny", "cpu")
    shot = take(frames, steps=1, policy="exact")
    with peak_memory(model.device) as peak:
        denoise(shot, "", model, lambda progress: None)
    print(peak.bytes)


if __name__ == "__main__":
    main(int(sys.argv[1]))
