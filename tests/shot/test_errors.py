"""An error says the same sentence however it came to it, and can say it in another language."""

import copy
import pickle

from hypothesis import given
from hypothesis import strategies as st

from isa_engine.errors import IsaError, SceneError

TEXTS = st.text(alphabet="aß {}.:'\\", max_size=12)
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
    assert str(error) == f"scene '{where}': no '{{a}}'. Add one."


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
    assert error.told(_look_up) == f"Bild 7: '{name}' bewegt kein Netz. Gib ihm ein Netz."


def test_nothing_is_looked_up_where_nothing_is_said():
    # In a dictionary of gettext's, "" stands for its header.
    assert IsaError("the disk is full").told({"the disk is full": "die Platte ist voll"}.__getitem__)


@given(TEXTS)
def test_a_copy_says_the_same(name):
    error = SceneError("'{name}' poses no mesh", remedy="Give it a skinned mesh.", name=name)
    for twin in (copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert (type(twin), str(twin)) == (SceneError, str(error))
        assert twin.told(_look_up) == error.told(_look_up)
