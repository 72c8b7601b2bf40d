"""What saved files show of the cache.

It is written down when a file is saved, for nothing else tells what files on other disks show.
"""

import contextlib
import hashlib
import json
import os
from pathlib import Path

import bpy

from isa_engine.whole_file import whole_file

from ..blender.events import Listeners
from ..preferences.folders import cache_folder
from ..takes.places import Places
from ..takes.shown import shown_paths


def shown_anywhere() -> Places:
    """What the open file shows, or another one when it was saved last."""
    shown = shown_paths()
    for file in sorted(_records().glob("*.json")):
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            shown.update(map(Path, json.loads(file.read_text(encoding="utf-8")).get("shows")))
    return Places(shown)


def _saved(*_) -> None:
    """Write down what of the cache the saved file shows."""
    name = hashlib.sha256(os.fsencode(bpy.data.filepath)).hexdigest()[:32]
    record, cache = _records() / f"{name}.json", Path(os.path.realpath(cache_folder()))
    shown = {path for path in shown_paths() if cache in path.parents}
    # A full disk must not make the artist's save fail.
    with contextlib.suppress(OSError):
        if not shown:
            record.unlink(missing_ok=True)
            return
        record.parent.mkdir(parents=True, exist_ok=True)
        content = {"blend": bpy.data.filepath, "shows": sorted(map(str, shown))}
        with whole_file(record) as partial:
            partial.write_text(json.dumps(content), encoding="utf-8")


def _records() -> Path:
    return cache_folder() / "saved"


_LISTENERS = Listeners(save_post=_saved)


def register() -> None:
    _LISTENERS.register()


def unregister() -> None:
    _LISTENERS.unregister()
