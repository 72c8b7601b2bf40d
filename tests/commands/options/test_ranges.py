"""Numbers that mean nothing are refused by the command line itself, before a model loads."""

import argparse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isa_engine.cli import main
from isa_engine.commands.options.ranges import within


@given(st.integers(), st.integers(-10, 10), st.integers(0, 10))
def test_what_lies_within_is_taken_and_all_else_refused(number, least, span):
    read = within(int, least, least + span)
    if least <= number <= least + span:
        assert read(str(number)) == number
    else:
        with pytest.raises(argparse.ArgumentTypeError, match=f"from {least} to {least + span}"):
            read(str(number))


@pytest.mark.parametrize("text", ["nan", "a few", "", "1e400", "-0.1"])
def test_nan_and_words_are_no_numbers(text):
    with pytest.raises(argparse.ArgumentTypeError, match="not a number from 0 to 100"):
        within(float, 0, 100)(text)


@pytest.mark.parametrize(
    "command",
    [
        ["train", "vae", "--config", "nowhere.toml", "--out", "out", "--minutes", "nan"],
        ["train", "vae", "--config", "nowhere.toml", "--out", "out", "--save-every", "-1"],
        ["farm", "bundle", "nowhere.npz", "--out", "out", "--gpus", "-5"],
        ["farm", "bundle", "nowhere.npz", "--out", "out", "--span", "0"],
        ["bench", "clips", "--clips", "90000000000000000000"],
        ["evaluate", "control", "--out", "out", "--clips", "0"],
        ["evaluate", "control", "--out", "out", "--guidance", "nan"],
    ],
    ids=lambda command: " ".join((command[0], *command[-2:])),
)
def test_a_command_names_the_option_and_what_it_takes(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main(command)
    said = capsys.readouterr().err
    assert f"argument {command[-2]}" in said
    assert " from " in said
    assert not any(tmp_path.iterdir())
