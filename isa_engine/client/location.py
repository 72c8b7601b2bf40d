"""Where on this machine the engine is: a small record that ``install/`` writes and Blender reads.

usage: python -m isa_engine.client.location     writes down that the engine is in this Python
"""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import isa_engine
from isa_engine.whole_file import whole_file


@dataclass(frozen=True)
class EngineRecord:
    """An engine.

    Attributes:
        python: path of the Python that has ``isa-engine[engine]``.
        version: of that engine.
    """

    python: str
    version: str


def data_folder(
    platform: str = sys.platform, environment: Mapping[str, str] = os.environ, home: Path | None = None
) -> Path:
    """The user's own data folder for the engine, where this system keeps such things."""
    home = home or Path.home()
    if platform == "win32":
        base = Path(environment.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        # The XDG specification: a relative path is invalid and is to be ignored.
        chosen = Path(environment.get("XDG_DATA_HOME", ""))
        base = chosen if chosen.is_absolute() else home / ".local" / "share"
    return base / "isa-engine"


def read_record(folder: Path | None = None) -> EngineRecord | None:
    """The engine that was installed last; None where there is no record, or none that makes sense."""
    try:
        content = (_file(folder)).read_text(encoding="utf-8")
        record = EngineRecord(**json.loads(content))
    except (OSError, ValueError, TypeError):
        return None
    return record if all(isinstance(value, str) and value for value in asdict(record).values()) else None


def write_record(record: EngineRecord, folder: Path | None = None) -> Path:
    """Write the record, whole or not at all, and return its file.

    Raises:
        OSError: the folder cannot be written.
    """
    file = _file(folder)
    file.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(file) as partial:
        partial.write_text(json.dumps(asdict(record)) + "\n", encoding="utf-8")
    return file


def _file(folder: Path | None) -> Path:
    return (folder or data_folder()) / "engine.json"


if __name__ == "__main__":
    print(write_record(EngineRecord(sys.executable, isa_engine.__version__)))
