"""A contact sheet of synthetic clips: ``python -m isa_engine.data.clips.sheet --out SHEET.png``."""

import argparse

import numpy as np
import torch

from isa_engine.data.clips.sources import synthetic_humans
from isa_engine.data.recordings.media import encode_picture
from isa_engine.data.scenario.split import SPLITS, TRAINING
from isa_engine.given_path import GivenPath


def main() -> None:
    """Render the middle frames of some seeds, row by row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", action=GivenPath, required=True, help="a PNG")
    parser.add_argument("--split", choices=[split.name for split in SPLITS], default=TRAINING.name)
    parser.add_argument("--seed", type=int, default=0, help="of the first clip (default: 0)")
    parser.add_argument("--rows", type=int, default=4, help="(default: 4)")
    parser.add_argument("--columns", type=int, default=6, help="(default: 6)")
    parser.add_argument("--size", default="112x112", help="of a picture (default: 112x112)")
    arguments = parser.parse_args()
    width, height = map(int, arguments.size.split("x"))
    (split,) = (split for split in SPLITS if split.name == arguments.split)
    torch.set_num_threads(1)
    humans = synthetic_humans(64, "cpu", split)
    seeds = arguments.seed + np.arange(arguments.rows * arguments.columns).reshape(arguments.rows, -1)

    def picture(seed: int) -> np.ndarray:
        colours = humans.clip(seed, 1, height, width).video[:, 0]
        return ((colours.movedim(0, -1) + 1) * 127.5).round().byte().numpy()

    sheet = np.concatenate([np.concatenate([picture(int(s)) for s in row], 1) for row in seeds])
    arguments.out.write_bytes(encode_picture(sheet))


if __name__ == "__main__":
    main()
