"""Where on this machine the engine and the detector are: small records that ``install/`` writes and Blender
reads.

usage: python -m isa_engine.client.location [engine|detector]     writes down that it is in this Python
"""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import isa_engine
from isa_engine.user_data import data_folder
from isa_engine.whole_file import whole_file

PARTS = ("engine", "detector")


@dataclass(frozen=True)
class Installed:
    """A part that was installed.

    Attributes:
        python: path of the Python that has ``isa-engine[engine]``, or ``isa-engine[detector]``.
        version: of ``isa-engine`` there.
    """

    python: str
    version: str


def read_record(folder: Path | None = None, part: str = "engine") -> Installed | None:
    """The part that was installed last; None where there is no record, or none that makes sense."""
    try:
        content = _file(folder, part).read_text(encoding="utf-8")
        record = Installed(**json.loads(content))
    except (OSError, ValueError, TypeError):
        return None
    return record if all(isinstance(value, str) and value for value in asdict(record).values()) else None


def write_record(record: Installed, folder: Path | None = None, part: str = "engine") -> Path:
    """Write the record, whole or not at all, and return its file.

    Raises:
        OSError: the folder cannot be written.
    """
    file = _file(folder, part)
    file.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(file) as partial:
        partial.write_text(json.dumps(asdict(record)) + "\n", encoding="utf-8")
    return file


def python_of(part: str, environment: Mapping[str, str] = os.environ) -> str:
    """The Python of a part, as installed or as ``ISA_ENGINE_PYTHON`` or ``ISA_DETECTOR_PYTHON`` names it;
    empty where none is known, or the recorded one is gone."""
    if chosen := environment.get(f"ISA_{part.upper()}_PYTHON", ""):
        return chosen
    record = read_record(part=part)
    return record.python if record is not None and Path(record.python).is_file() else ""


def _file(folder: Path | None, part: str) -> Path:
    return (folder or data_folder()) / f"{part}.json"


if __name__ == "__main__":
    (chosen,) = sys.argv[1:] or PARTS[:1]
    print(write_record(Installed(sys.executable, isa_engine.__version__), part=chosen))
