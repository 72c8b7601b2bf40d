"""How many clips a folder gave, and why others were left out."""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from isa_engine.data.recordings.unfit import Unfit


@dataclass
class Report:
    """What came of a folder's videos or rendered clips: ``skipped`` has an entry for each of them, or part of
    one, that was left out."""

    inputs: int = 0
    clips: int = 0
    seconds: float = 0.0
    skipped: list[dict[str, Any]] = field(default_factory=list)

    def skip(self, name: str, error: Unfit, frames: range | None = None) -> None:
        entry = {"name": name, "reason": error.reason, "detail": str(error)}
        self.skipped.append(entry | ({"frames": [frames.start, frames.stop]} if frames else {}))

    def counts(self) -> dict[str, int]:
        """How many were left out for each reason, most first."""
        return dict(Counter(entry["reason"] for entry in self.skipped).most_common())

    def write(self, path: Path) -> None:
        """As JSON."""
        path.write_text(json.dumps(asdict(self) | {"counts": self.counts()}, indent=1))

    def table(self) -> str:
        """For people."""
        rows = [("inputs", self.inputs), ("clips", self.clips), ("seconds", round(self.seconds, 1))]
        rows += [(f"skipped: {reason}", count) for reason, count in self.counts().items()]
        return "\n".join(f"{name:36} {value:>10}" for name, value in rows)
