"""Models that somebody added to this machine: folders of weights as their makers publish them.

The weights stay where they are. What was found in the folder is written down in the user's data, in a file
for each model.
"""

import json
from dataclasses import asdict, dataclass, field
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
class Running:
    """How a model is run, as the person who added it chose.

    Attributes:
        fp8: whether the transformer's weights are kept in 8 bits: half the memory, slightly other pictures.
        loras: path → strength of each low-rank change of the transformer.
        attention: a backend of diffusers; empty: torch's own.
        cache: threshold of the first block cache, from 0 to 1; 0: there is none.
        draft_of: the name of the model of which this is the draft; empty: of none.
        few_steps: so many steps it was distilled to; 0: to none.
    """

    fp8: bool = False
    loras: dict[str, float] = field(default_factory=dict)
    attention: str = ""
    cache: float = 0.0
    draft_of: str = ""
    few_steps: int = 0


@dataclass(frozen=True)
class Added:
    """An added model: where its weights are, and what was found there.

    Attributes:
        kind: a key of ``models.KINDS``.
        folder: an absolute path.
        licence: as the folder names it, accepted by the person who added the model.
        files: the files of weights, by their paths in the folder; of files elsewhere, by their whole paths.
        configs: part ("transformer", "vae", …) → its configuration as its makers wrote it.
        parameters: part → how many numbers its weights are.
        running: how it is run.
    """

    kind: str
    folder: str
    licence: str
    files: dict[str, File]
    configs: dict[str, dict[str, Any]]
    parameters: dict[str, int]
    running: Running

    def whole(self) -> bool:
        """Whether every file is there and has its size; hashes are not computed."""
        try:
            return all((Path(self.folder) / name).stat().st_size == f.bytes for name, f in self.files.items())
        except OSError:
            return False


def place(name: str) -> Path:
    """Where a model of that name is remembered."""
    return data_folder() / "models" / f"{name}.json"


def added_names(kind: str) -> tuple[str, ...]:
    """The names of all added models of a kind, in alphabetical order."""
    found = (path.stem for path in place("*").parent.glob("*.json"))
    return tuple(sorted(name for name in found if (model := added(name)) is not None and model.kind == kind))


def added(name: str) -> Added | None:
    """The added model of that name; None if there is none, or if its file cannot be read."""
    try:
        content = json.loads(place(name).read_text(encoding="utf-8"))
        files = {path: File(**file) for path, file in content.pop("files").items()}
        running = Running(**content.pop("running"))
        return Added(**content, files=files, running=running)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def remember(name: str, model: Added) -> Path:
    """Write a model's file, whole or not at all, and return its path.

    Raises:
        OSError: the user's data cannot be written.
    """
    path = place(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as partial:
        partial.write_text(json.dumps(asdict(model), indent=2) + "\n", encoding="utf-8")
    return path
