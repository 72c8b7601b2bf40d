"""What the add-on's errors say can be translated, and is, wherever the artist reads it."""

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import bpy
import pytest

import isa_blender_addon
from isa_blender_addon.language import translation
from isa_blender_addon.overlay.watch import Watch
from isa_blender_addon.session.current import session
from isa_blender_addon.ui.next_take import ISA_PT_generate
from isa_engine.errors import SceneError
from tests.addon.drawn import drawn
from tests.addon.scenes.cast import stage

ROOT = Path(isa_blender_addon.__file__).parent
# Only a terminal shows what these say.
_COMMANDS = {*(ROOT / "headless").glob("*.py"), *(ROOT / "dataset").glob("*.py"), ROOT / "batch.py"}
MODULES = sorted({*ROOT.rglob("*.py")} - _COMMANDS)
# The others work in threads, or for these.
_SAYING = {"ui", "operators", "overlay", "preflight"}
SAYING = [path for path in MODULES if path.relative_to(ROOT).parts[0] in _SAYING]
SAYING.append(ROOT / "session" / "current.py")


def untranslatable(source: str) -> list[str]:
    """Errors with a text that no dictionary can have, or whose placeholders are not its values' names."""
    found = []
    for error, texts, values in _errors(ast.parse(source)):
        literals = [node.value for text in texts for node in ast.walk(text) if isinstance(node, ast.Constant)]
        names = {name for text in literals for name in _placeholders(str(text))}
        # Only what the source itself says is a template: a path may hold braces.
        templates = not values or all(_is_own(text) for text in texts)
        if any(_is_put_together(text) for text in texts) or names != values or not templates:
            found.append(ast.unparse(error))
    return found


def _errors(tree: ast.AST) -> Iterator[tuple[ast.Call, list[ast.expr], set[str]]]:
    """Each that is made, all that its texts may be, and the names of its values."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for scope in functions or [tree]:
        known = _assigned(scope)
        for call in ast.walk(scope):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "").endswith("Error"):
                given = {keyword.arg: keyword.value for keyword in call.keywords}
                texts = [*call.args, *(given.pop(name) for name in ("where", "remedy") if name in given)]
                meant = [expression for text in texts for expression in _meant(text, known)]
                yield call, meant, set(given)


def _assigned(scope: ast.AST) -> dict[str, list[ast.expr]]:
    """What each name of a function may stand for."""
    known: dict[str, list[ast.expr]] = {}
    for node in ast.walk(scope):
        if isinstance(node, ast.AugAssign):
            # What was added to is put together.
            node = ast.Assign([node.target], ast.BinOp(node.target, node.op, node.value))
        if isinstance(node, ast.Assign):
            for target in node.targets:
                tuples = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
                pairs = zip(target.elts, node.value.elts, strict=True) if tuples else [(target, node.value)]
                for name, value in pairs:
                    known.setdefault(getattr(name, "id", ""), []).append(value)
    return known


def _meant(text: ast.expr, known: dict[str, list[ast.expr]]) -> list[ast.expr]:
    if isinstance(text, ast.IfExp):
        return [*_meant(text.body, known), *_meant(text.orelse, known)]
    return known.get(text.id, [text]) if isinstance(text, ast.Name) else [text]


def _is_put_together(text: ast.expr) -> bool:
    parts = list(ast.walk(text))
    return any(isinstance(part, ast.JoinedStr | ast.BinOp) for part in parts) or any(
        isinstance(part, ast.Attribute) and part.attr in ("format", "join") for part in parts
    )


def _is_own(text: ast.expr) -> bool:
    """Whether the source says it, in place or in a table of the module's."""
    if isinstance(text, ast.Call) and isinstance(text.func, ast.Attribute):
        return getattr(text.func.value, "id", "").isupper()
    return isinstance(text, ast.Constant)


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def untold(source: str) -> list[str]:
    """Errors that are said, but not in the artist's language."""
    said: list[ast.expr] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FormattedValue):
            said.append(node.value)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("str", "words", "said"):
            said += [*node.args, *(keyword.value for keyword in node.keywords)]
    return [node.id for node in said if isinstance(node, ast.Name) and node.id in ("error", "problem")]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_texts_of_an_error_are_templates_with_values(path):
    assert untranslatable(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", SAYING, ids=lambda path: str(path.relative_to(ROOT)))
def test_an_error_is_told_wherever_it_is_said(path):
    assert untold(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        """raise SceneError(f"no {thing}")""",
        """raise SceneError("no " + thing)""",
        """raise SceneError("no {thing}".format(thing=thing), thing=thing)""",
        """raise SceneError("no {thing}")""",
        """raise SceneError("no {thing}", thin=thing)""",
        """raise SceneError("no {thing}", where=str(path), thing=thing)""",
        """def read():\n problem = f"no {thing}"\n raise SceneError("no", remedy=problem)""",
        """def read():\n a, b = "no", f"no {thing}"\n raise SceneError(a, remedy=b)""",
        """def read():\n problem = "no "\n problem += thing\n raise SceneError(problem)""",
        """def read(problem):\n raise SceneError(problem, where="in {thing}", thing=thing)""",
    ],
)
def test_texts_that_no_dictionary_can_have_are_found(source):
    assert untranslatable(source)


@pytest.mark.parametrize(
    "source",
    [
        """raise SceneError("no {thing}", where="in {place}", thing=thing, place=str(path))""",
        """raise SceneError("no thing", where=str(path))""",
        """def read():\n a = "{b}"\n raise SceneError("no {c}" if c else a, b=b, c=c)""",
    ],
)
def test_texts_that_one_can_have_are_not(source):
    assert untranslatable(source) == []


@pytest.mark.parametrize("source", ["str(error)", 'f"it is {error}"', 'said("it is {error}", error=error)'])
def test_errors_that_are_said_untold_are_found(source):
    assert untold(source)
    assert untold("told(error)") == []


GERMAN = {
    "there is no active camera in scene '{scene}'": "Szene '{scene}' hat keine aktive Kamera",
    "Add one (Add ▸ Camera) and make it active (Ctrl Numpad 0).": "Füge eine hinzu.",
    "cannot write {file}: {reason}": "{file} ist nicht zu schreiben: {reason}",
}


@pytest.fixture
def german(monkeypatch, addon):
    """The add-on, registered, with a dictionary."""
    monkeypatch.setattr(translation, "pgettext_rpt", lambda text: GERMAN.get(text, text))


@pytest.mark.parametrize("name", ["Set", "Set {1}", "{scene}", "{"])
def test_an_error_of_the_scene_reaches_the_artist_in_her_language(scene, german, name):
    stage(scene)
    scene.camera, scene.name = None, name
    sentence = f"Szene '{name}' hat keine aktive Kamera. Füge eine hinzu."
    assert sentence in " ".join(drawn(ISA_PT_generate))
    with pytest.raises(RuntimeError, match=re.escape(sentence)):
        bpy.ops.isa.generate()
    assert session().error == sentence
    assert " ".join(drawn(ISA_PT_generate)).count(sentence) == 1, "one failure is said once"
    watch = Watch()
    assert watch.drawing(scene) is None
    assert watch.problem(scene) == sentence


def test_so_does_an_error_of_a_thread(scene, german):
    session().queue._takes.trouble = SceneError(
        "cannot write {file}: {reason}", file="{}.json", reason="voll"
    )
    assert "{}.json ist nicht zu schreiben: voll" in " ".join(drawn(ISA_PT_generate))


def test_an_error_of_blenders_own_says_what_it_says(german):
    assert translation.told(RuntimeError("no {thing}")) == "no {thing}"
