"""The service's stub engine, for the tests of the add-on's side of it."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "shot"))
sys.path.append(str(Path(__file__).resolve().parents[1] / "service"))

from running import STUB, RunningEngine, alive, eventually, room_for, shot_of_kind
from stub_engine import BROKEN, ENDLESS, FAST

# The stub in place of the engine's own command line.
COMMAND = (str(STUB), "serve", "--port", "0", "--stop-with-stdin")

__all__ = [
    "BROKEN",
    "COMMAND",
    "ENDLESS",
    "FAST",
    "STUB",
    "RunningEngine",
    "alive",
    "eventually",
    "room_for",
    "shot_of_kind",
]
