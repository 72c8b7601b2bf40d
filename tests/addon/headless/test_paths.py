"""Blender's commands, too, take an empty path for no folder: results never lie where the shell stands."""

from pathlib import Path

import pytest

import isa_blender_addon
from isa_blender_addon.batch import module_main
from isa_blender_addon.dataset import command as dataset
from isa_blender_addon.headless import farm, generate
from tests.parsers import places, refusal, taken_otherwise

PROGRAMS = {
    "batch.py": module_main,
    "dataset/command.py": lambda argv: dataset.main(argv, "isa_synthesize"),
    "headless/farm.py": farm.main,
    "headless/generate.py": generate.main,
}
PLACES = [(program, name, line) for program in PROGRAMS.values() for name, line in places(program).items()]


def test_these_are_all_of_the_add_ons_command_lines():
    root = Path(isa_blender_addon.__file__).parent
    build = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if "ArgumentParser(" in path.read_text(encoding="utf-8")
    }
    assert build == set(PROGRAMS)


@pytest.mark.parametrize(("program", "name", "line"), PLACES, ids=[name for _, name, _ in PLACES])
def test_an_empty_path_ends_each_command_with_one_sentence_and_nothing_made(
    program, name, line, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert refusal(program, line, capsys).startswith(f"{name} is empty. Name a file or folder")


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_option_that_help_gives_a_places_name_takes_it_as_a_given_path(program):
    assert taken_otherwise(PROGRAMS[program]) == []
