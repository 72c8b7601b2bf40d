"""The walls of the house: what may import what."""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("isa_engine", "isa_blender_addon")
# What only `isa-engine[engine]` brings; Blender has none of it.
ENGINE_ONLY = "torch torchvision diffusers transformers open_clip safetensors av einops PIL fastapi uvicorn"

IMPORT = """
import importlib, importlib.abc, os, pkgutil, sys
blocked, packages = set(sys.argv[1].split()), sys.argv[2:]
# Made for developers, with packages of their own; nothing imports them.
scripts = {"__main__", "bake_open_body", "bake_wardrobe"}

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
        timeout=250,
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


def graph(root: Path, package: str) -> dict[str, set[str]]:
    """Which modules of a package each of its modules imports, wherever in it the import stands.

    A package stands for its ``__init__``. That a module's packages are loaded before it is no import of it.
    """
    files = {module_name(file.relative_to(root)): file for file in sorted((root / package).rglob("*.py"))}
    arrows: dict[str, set[str]] = {name: set() for name in files}
    for name, file in files.items():
        here = name if file.name == "__init__.py" else name.rpartition(".")[0]
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"), file)):
            found: list[str] = []
            if isinstance(node, ast.Import):
                found = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    parts = here.split(".")
                    base = ".".join([*parts[: len(parts) - node.level + 1], *([base] if base else [])])
                # What is named is a module, or something in the one that it is imported from.
                inner = [f"{base}.{alias.name}" for alias in node.names]
                found = [one if one in files else base for one in inner]
            arrows[name] |= {one for one in found if one in files and one != name}
    return arrows


def module_name(file: Path) -> str:
    parts = file.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def circles(arrows: dict[str, set[str]]) -> list[set[str]]:
    """Sets of modules each of which imports, over others, itself."""
    reached = {name: _reach(arrows, name) for name in arrows}
    return [
        round_trip
        for name in arrows
        if name in reached[name]
        and name == min(round_trip := {other for other in reached[name] if name in reached[other]})
    ]


def _reach(arrows: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    left = [start]
    while left:
        for name in arrows[left.pop()] - seen:
            seen.add(name)
            left.append(name)
    return seen


def rooms() -> list[str]:
    """The rooms of docs/architecture.md in the order of their table, from the ground up."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = text.partition("## Rooms")[2].partition("\n## ")[0]
    names = [name for line in section.splitlines() if line.startswith("|") for name in _codes(line)]
    return [name for name in names if name.startswith(tuple(f"{package}/" for package in PACKAGES))]


def _codes(row: str) -> list[str]:
    """What is written as code in a table's first column."""
    return row.split("|")[1].split("`")[1::2]


def room_of(module: str, order: list[str]) -> str:
    """The room of a module as the table names it; where that divides a room, the folder in it."""
    package, *inner = module.split(".")
    room = package
    for part in inner or ["__init__"]:
        if (ROOT / room / part).is_dir():
            room += f"/{part}"
        elif room == package:
            return f"{room}/{part}.py"
        if not any(other.startswith(f"{room}/") for other in order):
            return room
    return room


def upward(arrows: dict[str, set[str]], order: list[str]) -> list[str]:
    """Imports of a room that stands below in the table, and of or by one that is not in it."""
    floor = {room: number for number, room in enumerate(order)}
    room = {name: room_of(name, order) for name in arrows}
    return [
        f"{name} imports {other}"
        for name, others in arrows.items()
        for other in sorted(others)
        if room[name] != room[other] and not floor.get(room[name], -1) > floor.get(room[other], 10**9)
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_imports_itself_over_others(package):
    assert circles(graph(ROOT, package)) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_room_imports_only_what_stands_above_it_in_the_table(package):
    assert upward(graph(ROOT, package), rooms()) == []


def test_the_table_of_rooms_names_each_room_once_and_no_other():
    order = rooms()
    there = {room_of(name, order) for package in PACKAGES for name in graph(ROOT, package)}
    assert sorted(order) == sorted(there)


@pytest.fixture
def copy(tmp_path) -> Path:
    """The add-on's sources, to plant something in."""
    shutil.copytree(
        ROOT / "isa_blender_addon",
        tmp_path / "isa_blender_addon",
        ignore=lambda folder, names: {
            name for name in names if not name.endswith(".py") and not (Path(folder) / name).is_dir()
        },
    )
    return tmp_path


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("takes/trash.py", "from .take import Take"),
        ("rigs/rig.py", "def late():\n    from . import demo"),
        ("preferences/choices.py", "if False:\n    from isa_blender_addon.preferences import folders"),
    ],
)
def test_a_planted_circle_is_found(copy, file, line):
    with open(copy / "isa_blender_addon" / file, "a", encoding="utf-8") as source:
        source.write(f"\n{line}\n")
    (found,) = circles(graph(copy, "isa_blender_addon"))
    assert f"isa_blender_addon.{file.removesuffix('.py').replace('/', '.')}" in found


@pytest.mark.parametrize(
    ("file", "line", "arrow"),
    [
        ("scene/keep.py", "from ..ui import keymap", "scene.keep imports isa_blender_addon.ui.keymap"),
        (
            "takes/places.py",
            "def late():\n    from .. import session",
            "takes.places imports isa_blender_addon.session",
        ),
        ("plate/colour.py", "from ..loose import thing", "plate.colour imports isa_blender_addon.loose"),
    ],
)
def test_a_planted_import_upward_is_found_and_so_is_a_module_without_a_room(copy, file, line, arrow):
    (copy / "isa_blender_addon" / "loose.py").touch()
    with open(copy / "isa_blender_addon" / file, "a", encoding="utf-8") as source:
        source.write(f"\n{line}\n")
    assert upward(graph(copy, "isa_blender_addon"), rooms()) == [f"isa_blender_addon.{arrow}"]
