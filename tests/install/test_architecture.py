"""Files that the pages on the code name are there, and what the walk of one tensor names is in them."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = {name: (ROOT / "docs" / name).read_text("utf-8") for name in ("architecture.md", "development.md")}
# A file as the pages write it, and the names right behind it.
_NAMED = re.compile(r"`([a-z_/0-9]+/[a-z_0-9]+\.py)`((?:,? `[A-Za-z_.]+`)*)")


def named(text: str) -> list[tuple[str, str]]:
    """Each file with each name that follows it; with no name, the file alone."""
    found = [(file, names.split("`")[1::2]) for file, names in _NAMED.findall(text.replace("\n", " "))]
    return [(file, name) for file, names in found for name in names or [""]]


def places(file: str) -> list[Path]:
    """Where it is: from the root, or from one of the packages."""
    roots = (ROOT, ROOT / "isa_engine", ROOT / "isa_blender_addon")
    return [root / file for root in roots if (root / file).is_file()]


def defined(file: Path) -> set[str]:
    """Functions and classes of a file, methods also behind their class."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            inside = [inner.name for inner in node.body if isinstance(inner, ast.FunctionDef)]
            names |= {f"{node.name}.{name}" for name in inside}
    return names


WALK = named(PAGES["architecture.md"].partition("## One tensor")[2].partition("\n## ")[0])


def test_the_walk_goes_from_blender_to_blender():
    files = [file for file, _ in WALK]
    assert files[0] == "scene/surface.py"
    assert {"pipeline/generation.py", "plate/camera_plane.py"} <= set(files)


@pytest.mark.parametrize(("file", "name"), sorted(set(WALK)))
def test_a_step_of_the_walk_is_where_the_page_says(file, name):
    (place,) = places(file)
    assert not name or name in defined(place)


@pytest.mark.parametrize("page", PAGES)
def test_a_file_that_a_page_names_is_there_and_is_one(page):
    files = {file for file, _ in named(PAGES[page])}
    assert len(files) > 20
    assert [file for file in sorted(files) if len(places(file)) != 1] == []
