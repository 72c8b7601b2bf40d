"""An error says the same sentence however it came to it, and can say it in another language."""

import ast
import copy
import json
import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isa_engine.errors import IsaError, SceneError, reason

ROOT = Path(__file__).resolve().parents[1]
TEXTS = st.text(alphabet="aß {}.:'\\", max_size=12)
SAID = TEXTS.map(str.strip)
GERMAN = {
    "'{name}' poses no mesh": "'{name}' bewegt kein Netz",
    "frame {frame}": "Bild {frame}",
    "Give it a skinned mesh.": "Gib ihm ein Netz.",
}


def _look_up(text: str) -> str:
    return GERMAN.get(text, text)


@given(TEXTS, TEXTS, TEXTS)
def test_a_text_without_values_is_said_as_it_is(problem, where, remedy):
    error = IsaError(problem, where=where, remedy=remedy)
    assert (error.problem, error.where, error.remedy) == (problem, where, remedy)
    assert str(error) == error.told(_look_up)
    error = IsaError("no '{a}'", where=f"scene '{where}'", remedy="Add one.")
    assert str(error) == f"no '{{a}}' (scene '{where}'). Add one."


@given(TEXTS, TEXTS, TEXTS)
def test_an_error_that_another_process_tells_of_is_the_same_here(problem, where, remedy):
    error = SceneError(problem, where=where, remedy=remedy)
    told = SceneError.of_parts(json.loads(json.dumps(error.parts)))
    assert (type(told), told.parts, str(told)) == (SceneError, error.parts, str(error))


@given(SAID, SAID, SAID)
def test_a_sentence_begins_with_the_problem_and_loses_nothing(problem, where, remedy):
    said, begin = str(IsaError(problem, where=where, remedy=remedy)), problem.rstrip(".")
    assert said.startswith(begin)
    assert said.endswith(remedy)
    assert where in said[len(begin) : len(said) - len(remedy)]


def test_a_place_and_a_remedy_are_set_off_whatever_the_problem_ends_with():
    def said(problem: str) -> str:
        return str(IsaError(problem, where="a.toml", remedy="Mend it."))

    assert said("no key 'a'") == "no key 'a' (a.toml). Mend it."
    assert said("The disk is full.") == "The disk is full (a.toml). Mend it."
    assert said("no value (at line 3)") == "no value (at line 3), a.toml. Mend it."


def _problems() -> Iterator[tuple[str, str]]:
    """The first words of each error that has a place, where the source has them; and where that is."""
    for path in (*ROOT.glob("isa_engine/**/*.py"), *ROOT.glob("isa_blender_addon/**/*.py")):
        for scope in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(scope, ast.FunctionDef):
                yield from ((text, f"{path.relative_to(ROOT)}: {scope.name}") for text in _said(scope))


def _said(scope: ast.FunctionDef) -> Iterator[str]:
    assigned = {
        (target.id, node.value)
        for node in ast.walk(scope)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for call in ast.walk(scope):
        if (
            isinstance(call, ast.Call)
            and any(keyword.arg == "where" for keyword in call.keywords)
            and call.args
        ):
            problem = call.args[0]
            meant = [value for name, value in assigned if name == getattr(problem, "id", None)] or [problem]
            for text in (choice for value in meant for choice in _choices(value)):
                first = text.values[0] if isinstance(text, ast.JoinedStr) else text
                if isinstance(first, ast.Constant):
                    yield str(first.value)


def _choices(text: ast.expr) -> list[ast.expr]:
    return [text.body, text.orelse] if isinstance(text, ast.IfExp) else [text]


def test_a_problem_names_its_thing_since_the_place_comes_after_it():
    problems = list(_problems())
    assert len(problems) > 200
    assert [found for found in problems if re.match(r"(it|its|they|their|cannot be)\b", found[0])] == []


@given(TEXTS, st.integers() | TEXTS)
def test_a_template_says_what_the_put_together_text_says(name, frame):
    template = SceneError(
        "'{name}' poses no mesh", where="frame {frame}", remedy="Look at {name}.", name=name, frame=frame
    )
    plain = SceneError(f"'{name}' poses no mesh", where=f"frame {frame}", remedy=f"Look at {name}.")
    assert str(template) == str(plain)
    assert (template.problem, template.where, template.remedy) == (plain.problem, plain.where, plain.remedy)


@given(TEXTS)
def test_each_text_is_looked_up_before_its_values_are_filled_in(name):
    remedy = "Give it a skinned mesh."
    error = SceneError("'{name}' poses no mesh", where="frame {frame}", remedy=remedy, name=name, frame=7)
    assert error.told(_look_up) == f"'{name}' bewegt kein Netz (Bild 7). Gib ihm ein Netz."


def test_nothing_is_looked_up_where_nothing_is_said():
    # In a dictionary of gettext's, "" stands for its header.
    assert IsaError("the disk is full").told({"the disk is full": "die Platte ist voll"}.__getitem__)


@given(TEXTS)
def test_a_copy_says_the_same(name):
    error = SceneError("'{name}' poses no mesh", remedy="Give it a skinned mesh.", name=name)
    for twin in (copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert (type(twin), str(twin)) == (SceneError, str(error))
        assert twin.told(_look_up) == error.told(_look_up)


def test_a_reason_says_no_path_twice_and_is_never_empty(tmp_path):
    with pytest.raises(FileNotFoundError) as gone:
        (tmp_path / "gone").read_bytes()
    assert reason(gone.value) == "No such file or directory"
    assert reason(ValueError("no number")) == "no number"
    assert reason(EOFError()) == "EOFError()"
