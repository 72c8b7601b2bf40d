"""Generates in a process of its own, with checkpoints and previews, and prints the most memory that it had in
use, in bytes.

usage: python -m tests.cost.generation_process FRAMES WIDTH HEIGHT CHARACTERS POLICY STEPS FOLDER
"""

import dataclasses
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from isa_engine.pipeline import generate, load_model
from isa_engine.shot import Shot
from tests.pipeline.shots import footage, make_shot

# Points of a character, as of a real cast's; here one spot.
POINTS = 2048


def shot_of(frames: int, width: int, height: int, characters: int, policy: str, steps: int) -> Shot:
    """The shot of which it generates."""
    shot = make_shot(frames, centres=tuple((k - 1.0, 0, 0) for k in range(characters)))
    cast = [
        dataclasses.replace(
            one,
            points=np.resize(one.points, (frames, POINTS, 3)),
            reference=dataclasses.replace(one.reference, points=np.resize(one.reference.points, (POINTS, 3))),
        )
        for one in shot.characters
    ]
    asked = {"model": "isa-tiny", "width": width, "height": height, "steps": steps, "policy": policy}
    settings = dataclasses.replace(shot.settings, **asked)
    background = footage(frames, width, height)
    return dataclasses.replace(shot, characters=tuple(cast), background=background, settings=settings)


def main(frames: int, width: int, height: int, characters: int, policy: str, steps: int, out: Path) -> None:
    shot = shot_of(frames, width, height, characters, policy, steps)
    # As a served job has them.
    checkpoint = SimpleNamespace(path=out / "checkpoint", saved=lambda step: None)
    generate(shot, load_model("isa-tiny", "cpu"), out, lambda progress: None, checkpoint)
    status = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in status if line.startswith("VmHWM:"))
    print(int(line.split()[1]) * 1024)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:5]), sys.argv[5], int(sys.argv[6]), Path(sys.argv[7]))
