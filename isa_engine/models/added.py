"""Models that somebody added to this machine: folders of weights as their makers publish them.

The weights stay where they are; what was found in the folder is kept in the user's data, a file a model.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from isa_engine.user_data import data_folder
from isa_engine.whole_file import whole_file


@dataclass(frozen=True)
class File:
    """A file of weights: its size in bytes and its SHA-256."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Added:
    """What is known of such a folder.

    Attributes:
        kind: of ``models.KINDS``.
        folder: an absolute path.
        licence: as the folder tells it, which whoever added it accepted.
        files: the weights, by their paths in the folder.
        configs: of each part, as its makers wrote it.
    """

    kind: str
    folder: str
    licence: str
    files: dict[str, File]
    configs: dict[str, dict[str, Any]]

    def whole(self) -> bool:
        """Whether every file is there in its size."""
        try:
            return all((Path(self.folder) / name).stat().st_size == f.bytes for name, f in self.files.items())
        except OSError:
            return False


def place(name: str) -> Path:
    """Where a model of that name is remembered."""
    return data_folder() / "models" / f"{name}.json"


def added_names(kind: str) -> tuple[str, ...]:
    """Of all models of a kind that were added, by name."""
    found = (path.stem for path in place("*").parent.glob("*.json"))
    return tuple(sorted(name for name in found if (model := added(name)) is not None and model.kind == kind))


def added(name: str) -> Added | None:
    """The model of that name; None where there is none, or its file makes no sense."""
    try:
        content = json.loads(place(name).read_text(encoding="utf-8"))
        files = {path: File(**file) for path, file in content.pop("files").items()}
        return Added(**content, files=files)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def remember(name: str, model: Added) -> Path:
    """Write it down, whole or not at all.

    Raises:
        OSError: the user's data cannot be written.
    """
    path = place(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as partial:
        partial.write_text(json.dumps(asdict(model), indent=2) + "\n", encoding="utf-8")
    return path
