"""A training run's folder: what makes it resumable, and what a person looks at.

``run.json`` (settings and hardware), ``checkpoint.pt`` (everything that continues the run exactly),
``curves.jsonl`` (one line a step) and ``tensorboard/`` (the same curves, and sample grids).
"""

import dataclasses
import json
import platform
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from isa_engine.errors import ModelError, reason
from isa_engine.whole_file import whole_file


class Run:
    """A training run's folder: its checkpoint, its curves and its pictures.

    Args:
        folder: made if missing; one that holds a checkpoint is continued.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.writer = SummaryWriter(folder / "tensorboard")
        self.began = time.monotonic()

    def describe(self, settings: Any, device: torch.device | str) -> None:
        """Write down what runs where; ``settings`` is a dataclass."""
        cuda = torch.device(device).type == "cuda"
        description = {
            "settings": dataclasses.asdict(settings),
            "hardware": torch.cuda.get_device_name(device) if cuda else f"{platform.machine()} CPU",
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
        }
        (self.folder / "run.json").write_text(json.dumps(description, indent=2) + "\n")

    def log(self, step: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)
        line = {"step": step, "seconds": round(time.monotonic() - self.began, 1), **values}
        with open(self.folder / "curves.jsonl", "a") as curves:
            curves.write(json.dumps(line) + "\n")

    def close(self) -> None:
        """Nothing more is logged, and TensorBoard's file has what was."""
        self.writer.close()

    def show(self, step: int, truth: Tensor, made: Tensor) -> None:
        """Three frames of a clip above what was made of it, ``(3, F, H, W)`` in [−1, 1]."""
        moments = [0, truth.shape[1] // 2, truth.shape[1] - 1]
        rows = torch.cat([torch.cat([video[:, k] for k in moments], 2) for video in (truth, made)], 1)
        self.writer.add_image("truth above", ((rows + 1) / 2).clamp(0, 1), step)

    def save(self, state: dict[str, Any]) -> None:
        """Write the checkpoint whole or not at all."""
        with whole_file(self.folder / "checkpoint.pt") as partial:
            torch.save(state, partial)

    def load(self) -> dict[str, Any] | None:
        """The checkpoint, if there is one.

        Raises:
            ModelError: it cannot be read.
        """
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return None
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:
            remedy = "Move it away to begin anew."
            raise ModelError(
                f"cannot read the checkpoint: {reason(error)}", where=str(path), remedy=remedy
            ) from error
