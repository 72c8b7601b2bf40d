"""What the artist reads can be translated, and is spelt by one rule."""

import ast
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import isa_blender_addon
from isa_blender_addon.language import translation
from isa_blender_addon.ui.shot import ISA_PT_shot
from isa_engine.configuration import MODELS
from tests.addon.drawn import drawn

ROOT = Path(isa_blender_addon.__file__).parent
LOOKED_UP = [path for folder in ("ui", "operators", "preflight") for path in (ROOT / folder).rglob("*.py")]
# Names of buttons, panels and fields are written like titles; these words are small in them.
SMALL = {"a", "an", "and", "as", "at", "by", "for", "in", "of", "on", "or", "the", "to", "with", "than"}


def broken(source: str) -> list[str]:
    """Texts in words that are put together before they can be looked up: no dictionary has the result."""
    tree = ast.parse(source)
    found = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) and _wordy(node)]
    found += [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.BinOp)
        and isinstance(node.op, (ast.Add, ast.Mod))
        and (_wordy(node.left) or _wordy(node.right))
    ]
    for node in ast.walk(tree):
        name = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
        if name in ("words", "said") and isinstance(node.args[0], ast.BinOp):
            found.append(node)
    return [ast.unparse(node) for node in found]


def _wordy(node: ast.AST) -> bool:
    """Whether a literal says something: two letters in a row."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    texts = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    return any(re.search(r"[^\W\d_]{2}", text) for text in texts)


@pytest.mark.parametrize("path", LOOKED_UP, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_text_is_put_together_before_it_is_looked_up(path):
    assert broken(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        'label(text=f"Frame {n}")',
        'text = "All " + name',
        'report({"INFO"}, "%s is there" % n)',
        "words(a + b)",
        'raise SceneError(f"no {thing}")',
    ],
)
def test_such_texts_are_found(source):
    assert broken(source)


def test_what_is_drawn_and_said_comes_from_the_dictionary(addon, monkeypatch):
    german = {
        "Frames {first}–{last} (scene)": "Bilder {first}–{last} (Szene)",
        "{take} is pinned. Unpin it first.": "{take} ist angeheftet.",
    }
    for look_up in ("pgettext_iface", "pgettext_rpt"):
        monkeypatch.setattr(translation, look_up, lambda text: german.get(text, text))
    assert f"Bilder 1–{addon.frame_end} (Szene)" in " ".join(drawn(ISA_PT_shot))
    assert translation.said("{take} is pinned. Unpin it first.", take="v{1}") == "v{1} ist angeheftet."
    assert translation.words("{count} plates", count=2) == "2 plates"


def _classes() -> list[type]:
    names = [module.name for module in pkgutil.walk_packages([str(ROOT)], "isa_blender_addon.")]
    modules = [importlib.import_module(name) for name in names if not name.endswith(("paint", "__main__"))]
    return sorted({cls for module in modules for cls in getattr(module, "CLASSES", ())}, key=str)


def _names(cls: type) -> list[str]:
    """Of a class, its fields and their choices."""
    found = [getattr(cls, "bl_label", "")]
    for field in getattr(cls, "__annotations__", {}).values():
        keywords = getattr(field, "keywords", {})
        items = keywords.get("items") or ()
        found += [keywords.get("name", ""), *(item[1] for item in items)]
    return [name for name in found if name]


def test_names_of_buttons_and_fields_are_written_like_titles():
    names = [name for cls in _classes() for name in _names(cls)]
    assert len(names) > 60
    words = {(name, word) for name in names for word in re.findall(r"[^\W\d_][\w'’-]*", name)[1:]}
    assert [pair for pair in sorted(words) if pair[1][0].islower() and pair[1] not in SMALL] == []
    assert [name for name in names if name[0].islower() and name not in {"macOS", *MODELS}] == []
