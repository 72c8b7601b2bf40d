"""Presets of how to generate: Draft, Final, Exact, and the artist's own, which are data in Blender's presets
folder.

Blender's own presets are scripts that it runs; these are numbers in a JSON file, so one from a stranger can
do nothing but be wrong.
"""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import bpy

from isa_engine.configuration.policies import EXACT, POLICIES, PRESETS
from isa_engine.errors import SceneError
from isa_engine.shot import Settings
from isa_engine.shot.validation import MAX_GUIDANCE
from isa_engine.whole_file import whole_file

from .models import model_named

FILE, VERSION = "presets.json", 1


@dataclass(frozen=True)
class Preset:
    """How to generate; attributes as of ``shot.Settings``, and an empty model leaves the scene's."""

    steps: int
    guidance: float
    model: str = ""
    policy: str = EXACT

    def fits(self, isa) -> bool:
        """Whether the scene's settings are these."""
        return (
            self.model in ("", isa.model)
            and (self.steps, self.policy) == (isa.steps, isa.policy)
            and math.isclose(self.guidance, isa.guidance, rel_tol=1e-5)
        )


BUILT_IN = {
    name: Preset(measured.steps, Settings.guidance, policy=measured.policy)
    for name, measured in PRESETS.items()
}


class Presets:
    """All of them, by their names; the artist's own are read once."""

    def __init__(self):
        self._own: dict[str, Preset] | None = None

    def __call__(self) -> dict[str, Preset]:
        return {**BUILT_IN, **self.own()}

    def own(self) -> dict[str, Preset]:
        """The artist's, in the order of their names; without those that make no sense."""
        if self._own is None:
            self._own = _read()
        return self._own

    def chosen(self, scene) -> str:
        """The name of the preset that the scene's settings are; empty where they are none."""
        return next((name for name, preset in self().items() if preset.fits(scene.isa)), "")

    def use(self, name: str, scene) -> None:
        """Give the scene a preset's settings.

        Raises:
            SceneError: there is none of that name, or its model is not known.
        """
        preset = self().get(name)
        if preset is None:
            raise SceneError("there is no preset '{name}'", remedy="Choose another one.", name=name)
        isa = scene.isa
        if preset.model:
            isa.model = model_named(preset.model).name
        isa.steps, isa.guidance, isa.policy = preset.steps, preset.guidance, preset.policy

    def add(self, name: str, scene) -> None:
        """Keep the scene's settings under a name, in place of the artist's own preset of that name.

        Raises:
            SceneError: the name is empty or a built-in one's, or the presets cannot be written.
        """
        name = name.strip()
        if not name:
            raise SceneError("a preset needs a name", remedy="Enter one.")
        if name in BUILT_IN:
            raise SceneError("'{name}' stays as it is", remedy="Choose another name.", name=name)
        isa = scene.isa
        self._write({**_read(), name: Preset(isa.steps, isa.guidance, isa.model, isa.policy)})

    def remove(self, name: str) -> None:
        """Forget one of the artist's own.

        Raises:
            SceneError: the presets cannot be written.
        """
        self._write({other: preset for other, preset in _read().items() if other != name})

    def _write(self, own: dict[str, Preset]) -> None:
        own = dict(sorted(own.items(), key=lambda item: item[0].casefold()))
        file = _file()
        content = {"version": VERSION, "presets": {name: asdict(preset) for name, preset in own.items()}}
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
        self._own = own


presets = Presets()


def _file() -> Path:
    return Path(bpy.utils.user_resource("SCRIPTS", path="presets")) / "isa" / FILE


def _read() -> dict[str, Preset]:
    try:
        content = json.loads(_file().read_text(encoding="utf-8"))
        if content["version"] != VERSION:
            return {}
        found = {name: Preset(**values) for name, values in content["presets"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return {name: preset for name, preset in found.items() if name not in BUILT_IN and _makes_sense(preset)}


def _makes_sense(preset: Preset) -> bool:
    return (
        isinstance(preset.model, str)
        and type(preset.steps) is int
        and preset.steps > 0
        and preset.policy in [*POLICIES]
        and type(preset.guidance) in (int, float)
        and 0 <= preset.guidance <= MAX_GUIDANCE
    )
