"""A path that a person or a script gives is a place that is meant, or a sentence on what it is."""

from pathlib import Path

import pytest

from isa_engine.errors import IsaError
from isa_engine.given_path import given_path


@pytest.mark.parametrize("text", ["", " ", "  \t"])
def test_nothing_is_never_the_current_folder(text):
    with pytest.raises(IsaError, match=r"^--out is empty\. Name a file or folder; "):
        given_path(text, "--out")


@pytest.mark.parametrize("text", ["takes\r", "takes\n", "one\ntwo", "nul\0", "\x7f"])
def test_characters_that_a_script_left_are_shown_and_refused(text):
    with pytest.raises(IsaError, match=r"^--out is '") as refused:
        given_path(text, "--out")
    assert repr(text) in str(refused.value)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    "text", [".", "..", "a b", "a ", "影/Käse", "./~", "a/~/b", "-x", "{brace}", "\udc80"]
)
def test_every_other_name_is_taken_as_it_is(text):
    assert given_path(text, "--out") == Path(text)


def test_the_home_folder_is_known_also_where_no_shell_has_put_it(monkeypatch, tmp_path):
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path))
    assert given_path("~", "--out") == tmp_path
    assert given_path("~/takes", "--out") == tmp_path / "takes"


@pytest.mark.parametrize("text", ["long" * 99, "long" * 99 + "/x", "x/" * 3000])
def test_a_name_that_no_file_can_have_is_refused_before_anybody_looks_for_the_file(text):
    with pytest.raises(IsaError, match=r"^--out cannot be used: .*\. Name another file or folder\."):
        given_path(text, "--out")


def test_nobodys_home_folder_is_refused_with_what_a_folder_of_that_name_is_called():
    with pytest.raises(IsaError, match=r"no such home folder\. .* './~nobody-at-all/x'"):
        given_path("~nobody-at-all/x", "--out")
