"""A training run's folder: what makes it resumable, and what a person looks at.

``checkpoint.pt`` (everything that continues the run exactly), ``curves.jsonl`` (one line a report) and
``tensorboard/`` (the same curves, and sample grids).
"""

import json
import os
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from isa_engine.errors import ModelError


class Run:
    """Args:
    folder: made if missing; one that holds a checkpoint is continued.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.writer = SummaryWriter(folder / "tensorboard")
        self.began = time.monotonic()

    def log(self, step: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)
        line = {"step": step, "seconds": round(time.monotonic() - self.began, 1), **values}
        with open(self.folder / "curves.jsonl", "a") as curves:
            curves.write(json.dumps(line) + "\n")

    def picture(self, step: int, name: str, picture: Tensor) -> None:
        """Show ``(3, H, W)`` in [−1, 1]."""
        self.writer.add_image(name, ((picture + 1) / 2).clamp(0, 1), step)

    def save(self, state: dict[str, Any]) -> None:
        """Write the checkpoint whole or not at all."""
        partial = self.folder / "checkpoint.pt.part"
        torch.save(state, partial)
        os.replace(partial, self.folder / "checkpoint.pt")

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
                f"cannot read the checkpoint: {error}", where=str(path), remedy=remedy
            ) from error
