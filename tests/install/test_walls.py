"""The walls of the house: what may import what."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What only `isa-engine[engine]` brings; Blender has none of it.
ENGINE_ONLY = "torch torchvision diffusers transformers open_clip safetensors av einops PIL fastapi uvicorn"

IMPORT = """
import importlib, importlib.abc, os, pkgutil, sys
blocked, packages = set(sys.argv[1].split()), sys.argv[2:]
# Made for developers, with packages of their own; nothing imports them.
scripts = {"__main__", "bake_open_body"}

class Wall(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in blocked:
            raise ImportError(f"{name} is not to be imported here")

sys.meta_path.insert(0, Wall())
for package in packages:
    root = importlib.import_module(package)
    for module in pkgutil.walk_packages(getattr(root, "__path__", []), package + "."):
        if module.name.split(".")[-1] not in scripts:
            importlib.import_module(module.name)
print("DONE")
sys.stdout.flush()
os._exit(0)
"""


def imports_without(blocked: str, *packages: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, blocked, *packages],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "DONE" in done.stdout, done.stderr


def test_every_module_of_the_add_on_imports_without_the_engines_packages():
    imports_without(ENGINE_ONLY, "isa_blender_addon")


def lent_to_the_add_on() -> list[str]:
    """The modules that docs/architecture.md lets the add-on import."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = text.partition("## What the add-on may import")[2].partition("\n## ")[0]
    return [name for line in section.splitlines() if line.startswith("- ") for name in line.split("`")[1::2]]


def test_what_the_add_on_may_import_needs_numpy_and_requests_only():
    imports_without(f"{ENGINE_ONLY} bpy", *(f"isa_engine.{name}" for name in lent_to_the_add_on()))


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Line and module of every absolute import, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.lineno, node.module


def violations(package: str, forbidden: set[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for line, name in imported(path)
        if name.split(".")[0] in forbidden
    ]


def test_the_engine_never_imports_blender():
    assert violations("isa_engine", {"bpy", "mathutils", "bmesh", "isa_blender_addon"}) == []


def test_the_add_on_never_imports_the_engines_packages_not_even_late():
    assert violations("isa_blender_addon", set(ENGINE_ONLY.split())) == []


def test_the_add_on_imports_of_the_engine_only_what_is_lent_to_it():
    lent = tuple(f"isa_engine.{name}." for name in lent_to_the_add_on())
    found = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in sorted((ROOT / "isa_blender_addon").rglob("*.py"))
        for line, name in imported(path)
        if name.startswith("isa_engine.") and not f"{name}.".startswith(lent)
    ]
    assert found == []


def test_the_add_on_finds_itself_under_any_name():
    # As an extension it is bl_ext.user_default.isa_blender_addon: its own imports are relative.
    assert violations("isa_blender_addon", {"isa_blender_addon"}) == []


def test_nothing_is_unpickled():
    for package in ("isa_engine", "isa_blender_addon"):
        assert violations(package, {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal"}) == []
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "weights_only"):
                    safe = node.arg == "weights_only"
                    assert getattr(node.value, "value", None) is safe, f"{path}:{node.value.lineno}"
