"""Enabling, disabling, importing: what the add-on leaves in Blender, and how it names itself there."""

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import bpy
import pytest

import isa_blender_addon
from isa_blender_addon.cache import cleaning, measuring
from isa_blender_addon.matching import draw as marks
from isa_blender_addon.operators.cast import refresh_cast
from isa_blender_addon.overlay import draw as overlay
from isa_blender_addon.session.current import close, session

ROOT = Path(__file__).resolve().parents[2]
# What is added to Blender's own types.
EXTENDED = ("Scene", "Object", "WindowManager", "Image", "Material", "Action")


def traces() -> dict:
    """All that an add-on can leave behind, as far as Blender shows it."""
    return {
        "handlers": {
            name: len(found)
            for name in dir(bpy.app.handlers)
            if isinstance(found := getattr(bpy.app.handlers, name), list)
        },
        "types": set(dir(bpy.types)),
        "classes": sorted(
            cls.__name__
            for kind in ("Operator", "Panel", "UIList", "Menu", "PropertyGroup", "AddonPreferences")
            for cls in getattr(bpy.types, kind).__subclasses__()
            if cls.is_registered and cls.__module__.startswith("isa_blender_addon")
        ),
        "operators": dir(bpy.ops.isa),
        "menu": len(bpy.types.VIEW3D_MT_add._dyn_ui_initialize()),
        "properties": {
            name: {key for key in getattr(bpy.types, name).__dict__ if not key.startswith("_")}
            | set(getattr(bpy.types, name).bl_rna.properties.keys())
            for name in EXTENDED
        },
        "keys": [
            item.idname
            for keymap in bpy.context.window_manager.keyconfigs.addon.keymaps
            for item in keymap.keymap_items
            if item.idname.startswith("isa.")
        ],
        "draws": len(overlay._handles) + len(marks._handles),
        "threads": sorted(thread.name for thread in threading.enumerate() if "isa" in thread.name),
    }


def use() -> None:
    """Start what goes on by itself: timers, threads, pictures."""
    session().keep_ticking()
    session().tick()
    refresh_cast._seen = None
    refresh_cast._on_change(bpy.context.scene)
    measuring.measuring.forget()
    measuring.measuring.sizes()
    cleaning.cleaning.begin(days=1)
    assert all(map(bpy.app.timers.is_registered, timers()))


def timers() -> list:
    return [session()._timer, refresh_cast._refresh, measuring.look, cleaning.look]


def test_fifty_times_leave_nothing_behind(scene):
    clean = traces()
    assert not any(name.startswith("ISA_") for name in clean["types"])
    isa_blender_addon.register()
    registered = traces()
    assert registered["draws"] == 3
    assert len(registered["classes"]) > 30
    use()
    running = timers()
    isa_blender_addon.unregister()
    assert not any(map(bpy.app.timers.is_registered, running))
    for _ in range(50):
        isa_blender_addon.register()
        isa_blender_addon.unregister()
    for thread in threading.enumerate():
        if thread.name.startswith("isa-cache"):
            thread.join()
    assert traces() == clean
    isa_blender_addon.register()
    assert traces() == registered
    isa_blender_addon.unregister()


IMPORT = """
import importlib, pkgutil, sys, threading
import bpy
before = set(dir(bpy.types))
import isa_blender_addon
loaded = [name for name in sys.modules if name.startswith("isa_")]
assert loaded == ["isa_blender_addon"], loaded
every = [getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers)]
lists = [found for found in every if type(found) is list]
handlers = lambda: list(map(len, lists))
quiet = handlers()
for module in pkgutil.walk_packages(isa_blender_addon.__path__, "isa_blender_addon."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
assert handlers() == quiet
assert set(dir(bpy.types)) == before
assert threading.active_count() == 1, threading.enumerate()
print("DONE")
import os; sys.stdout.flush(); os._exit(0)
"""


def test_importing_does_nothing(tmp_path):
    """Blender imports add-ons that are not enabled, too."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORT],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert "DONE" in done.stdout, done.stderr
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.fixture
def words(scene):
    """What Blender shows, and translates by itself, of all classes: ``(where, name or description)``."""
    isa_blender_addon.register()
    found = []
    kinds = (bpy.types.Operator, bpy.types.Panel, bpy.types.PropertyGroup, bpy.types.AddonPreferences)
    for cls in (cls for kind in kinds for cls in kind.__subclasses__()):
        if cls.__module__.startswith("isa_blender_addon") and cls.is_registered:
            found.append((cls, "label", getattr(cls, "bl_label", None)))
            if issubclass(cls, bpy.types.Operator):
                # Some say what a click would do now.
                said = None if hasattr(cls, "description") else cls.bl_description
                found.append((cls, "description", said))
            hidden = ("rna_type", "name") if issubclass(cls, bpy.types.PropertyGroup) else ("rna_type",)
            for prop in cls.bl_rna.properties:
                own = prop.identifier in getattr(cls, "__annotations__", {})
                if own and prop.identifier not in hidden and not prop.is_hidden:
                    found.append((cls, f"{prop.identifier}'s name", prop.name))
                    found.append((cls, f"{prop.identifier}'s description", prop.description))
                    if prop.type == "ENUM" and prop.enum_items:
                        found += [(cls, f"{prop.identifier} {i.identifier}", i.name) for i in prop.enum_items]
    yield found
    close()
    isa_blender_addon.unregister()


def test_whatever_blender_shows_has_words_in_its_style_that_it_can_translate(words):
    """Blender looks names and descriptions up in its translations as they stand: sentences without a stop."""
    assert len(words) > 100
    wrong = [
        f"{cls.__name__}: {where} is '{text}'"
        for cls, where, text in words
        if text is not None and where.endswith(("label", "description")) and _bad(text)
    ]
    assert wrong == []


def _bad(text: str) -> bool:
    return text.endswith(".") or text != text.strip() or bool(re.search(r"[{}]|  |\n", text))
