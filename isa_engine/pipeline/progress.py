"""What is said of a generation while it runs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from PIL import Image

Phase = Literal["encode", "denoise", "decode", "write"]


@dataclass(frozen=True)
class Progress:
    """``step`` of ``steps`` of a phase is done; sometimes with a rough picture of what is coming."""

    phase: Phase
    step: int
    steps: int
    preview: Image.Image | None = None


# Called at every step; raises ``isa_engine.errors.Cancelled`` to stop the work.
Report = Callable[[Progress], None]
