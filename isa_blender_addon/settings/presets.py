"""Presets of how to generate: Draft, Final, Exact, and the artist's own, which are data in Blender's presets
folder.

Blender's own presets are scripts that it runs; these are numbers in a JSON file, so one from a stranger can
do nothing but be wrong.
"""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import bpy

from isa_engine.configuration.policies import PRESETS, Preset
from isa_engine.errors import SceneError
from isa_engine.models.kind import makes_sense
from isa_engine.whole_file import whole_file

from .models import chosen, model_named

FILE, VERSION = "presets.json", 1


# Names; what they are is the model's.
BUILT_IN = tuple(PRESETS)


class Presets:
    """All of them, by their names; the artist's own are read once."""

    def __init__(self):
        self._own: dict[str, Preset] | None = None

    def __call__(self, scene) -> dict[str, Preset]:
        """Those of the scene's model, and the artist's own."""
        model = chosen(scene)
        return {**(PRESETS if model is None else model.presets), **self.own()}

    def own(self) -> dict[str, Preset]:
        """The artist's, in the order of their names; without those that make no sense."""
        if self._own is None:
            try:
                self._own = _sensible(_entries())
            except SceneError:
                self._own = {}
        return self._own

    def chosen(self, scene) -> str:
        """The name of the preset that the scene's settings are; empty where they are none."""
        return next((name for name, preset in self(scene).items() if _fits(preset, scene)), "")

    def use(self, name: str, scene) -> None:
        """Give the scene a preset's settings.

        Raises:
            SceneError: there is none of that name, or its model is not known.
        """
        preset = self(scene).get(name)
        if preset is None:
            raise SceneError("there is no preset '{name}'", remedy="Choose another one.", name=name)
        if preset.model:
            scene.isa.model = model_named(preset.model).name
        _give(preset, scene.isa)

    def use_model(self, name: str, scene) -> None:
        """Give the scene another model; where it had a preset of the one before, that preset of this one,
        unless that would be made by another model again."""
        before = self.chosen(scene)
        scene.isa.model = name
        preset = self(scene).get(before)
        if before in BUILT_IN and not preset.model:
            _give(preset, scene.isa)

    def add(self, name: str, scene) -> None:
        """Keep the scene's settings under a name, in place of the artist's own preset of that name.

        Raises:
            SceneError: the name is empty or a built-in one's, or the presets cannot be read or written.
        """
        name = name.strip()
        if not name:
            raise SceneError("a preset needs a name", remedy="Enter one.")
        if name in BUILT_IN:
            raise SceneError("'{name}' stays as it is", remedy="Choose another name.", name=name)
        isa = scene.isa
        preset = Preset(isa.steps, isa.guidance, isa.policy, isa.model, isa.detail)
        self._write({**_entries(), name: asdict(preset)})

    def remove(self, name: str) -> None:
        """Forget one of the artist's own.

        Raises:
            SceneError: the presets cannot be read or written.
        """
        self._write({other: values for other, values in _entries().items() if other != name})

    def _write(self, entries: dict[str, Any]) -> None:
        entries = dict(sorted(entries.items(), key=lambda item: item[0].casefold()))
        file = _file()
        content = {"version": VERSION, "presets": entries}
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(file) as partial:
                partial.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
        except OSError as error:
            raise SceneError(
                "the presets cannot be written: {reason}",
                where="{file}",
                remedy="Free some space.",
                reason=error.strerror,
                file=file,
            ) from error
        self._own = _sensible(entries)


presets = Presets()


def _fits(preset: Preset, scene) -> bool:
    """Whether the scene's settings are these; of detail as much as its model has."""
    isa, model = scene.isa, chosen(scene)
    most = isa.detail if model is None else model.detail
    return (
        preset.model in ("", isa.model)
        and min(preset.detail, most) == min(isa.detail, most)
        and (preset.steps, preset.policy) == (isa.steps, isa.policy)
        and math.isclose(preset.guidance, isa.guidance, rel_tol=1e-5)
    )


def _give(preset: Preset, isa) -> None:
    isa.steps, isa.guidance, isa.policy = preset.steps, preset.guidance, preset.policy
    isa.detail = preset.detail


def _file() -> Path:
    return Path(bpy.utils.user_resource("SCRIPTS", path="presets")) / "isa" / FILE


def _entries() -> dict[str, Any]:
    """What the file holds, as it stands there, by names: what another version of the add-on has written, and
    this one does not know, is kept when the file is written anew.

    Raises:
        SceneError: it cannot be read.
    """
    file = _file()
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["version"] == VERSION and isinstance(content["presets"], dict):
            return content["presets"]
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise SceneError(
        "the presets cannot be read, and so none is added or removed",
        where="{file}",
        remedy="Update the add-on, or move the file away.",
        file=file,
    )


def _sensible(entries: dict[str, Any]) -> dict[str, Preset]:
    """Those that are the artist's own, and that can be used."""
    found = {}
    for name, values in entries.items():
        try:
            preset = Preset(**values)
        except TypeError:
            continue
        if name not in BUILT_IN and makes_sense(preset):
            found[name] = preset
    return found
