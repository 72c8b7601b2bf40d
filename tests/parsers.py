"""Parsers of command lines as their programs build them, and the options of each that name a place."""

import argparse
import os
from collections.abc import Callable, Iterator

import pytest

from isa_engine.given_path import GivenPath

Words = tuple[str, ...]
# What help calls a value that is a path.
_NAMES = ("DIR", "FILE", "FOLDER", "PICTURE", "SHOT", "TAKE")


class _Parses(Exception):
    """Nothing after that matters."""


def parser_of(program: Callable[[list[str]], object]) -> argparse.ArgumentParser:
    """The parser of a program, as it is about to parse."""
    found: list[argparse.ArgumentParser] = []

    def parse(parser: argparse.ArgumentParser, *_: object) -> None:
        found.append(parser)
        raise _Parses

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(argparse.ArgumentParser, "parse_args", parse)
        with pytest.raises(_Parses):
            program([])
    return found[0]


def commands(
    parser: argparse.ArgumentParser, words: Words = ()
) -> Iterator[tuple[Words, argparse.ArgumentParser]]:
    """The words of each command, and its parser; also of commands in commands."""
    inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not inner:
        yield words, parser
    for action in inner:
        for word, each in action.choices.items():
            yield from commands(each, (*words, word))


def places(program: Callable[[list[str]], object]) -> dict[str, list[str]]:
    """A command line for each option and argument of a program that names a place, which is given empty: the
    name by which that is told → the line, which ends with it."""
    found = {}
    for words, parser in commands(parser_of(program)):
        ahead: list[str] = []
        for action in parser._actions:
            option = action.option_strings[:1]
            if isinstance(action, GivenPath):
                name = option[0] if option else action.metavar or action.dest
                found[f"{parser.prog}: {name}"] = [*words, *([] if option else ahead), *option, ""]
            if not option:
                ahead.append(str(next(iter(action.choices))) if action.choices else "1")
    return found


def refusal(program: Callable[[list[str]], object], line: list[str], capsys: pytest.CaptureFixture) -> str:
    """The one sentence with which a program ends, exit status 1, before anything is made where it stands."""
    with pytest.raises(SystemExit) as ended:
        program(line)
    assert ended.value.code == 1
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert os.listdir() == []
    return said.err


def results(program: Callable[[list[str]], object], out: str) -> dict[str, list[str]]:
    """A command line for each command of a program that wants a folder for its results, which is ``out``;
    whatever else it wants is not there."""
    found = {}
    for words, parser in commands(parser_of(program)):
        wanted = [action for action in parser._actions if action.required]
        if not any("--out" in action.option_strings for action in wanted):
            continue
        line = list(words)
        for action in wanted:
            value = str(next(iter(action.choices))) if action.choices else "1"
            line += [*action.option_strings[:1], out if "--out" in action.option_strings else value]
        found[parser.prog] = line
    return found


def taken_otherwise(program: Callable[[list[str]], object]) -> list[str]:
    """The options of a program whose value is called a place in its help, and that take it for a text."""
    return [
        f"{parser.prog} {action.option_strings or action.dest}"
        for _, parser in commands(parser_of(program))
        for action in parser._actions
        if action.metavar in _NAMES and not isinstance(action, GivenPath)
    ]
