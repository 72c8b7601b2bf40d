"""Every option that names a file or folder, of every command: given empty it is never the current folder."""

import ast
import os
from pathlib import Path

import pytest

from isa_engine import cli
from tests.parsers import places, refusal, results, taken_otherwise

ROOT = Path(__file__).resolve().parents[2]
PLACES = places(cli.main)
# A file, in the folder that a command begins in.
RESULTS = results(cli.main, os.path.join("file", "results"))


@pytest.mark.parametrize("name", PLACES)
def test_an_empty_path_ends_each_command_with_one_sentence_and_nothing_made(
    name, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert refusal(cli.main, PLACES[name], capsys).startswith(f"{name} is empty. Name a file or folder")


@pytest.mark.parametrize("name", RESULTS)
def test_that_results_cannot_be_written_is_said_before_all_else(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    assert cli.main(RESULTS[name]) == 1
    said = capsys.readouterr()
    assert said.err.startswith(f"isa-engine: cannot write: '{tmp_path / 'file'}' is a file (file")
    assert said.err.count("\n") == 1
    assert os.listdir(tmp_path) == ["file"]


def test_each_option_that_help_gives_a_places_name_takes_it_as_a_given_path():
    assert taken_otherwise(cli.main) == []


def test_no_program_of_the_project_makes_a_path_of_an_option_in_another_way():
    """Those too whose parsers only Blender or a machine with a GPU builds."""
    strange = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for package in ("isa_engine", "isa_blender_addon", "install")
        for path in sorted((ROOT / package).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.keyword)
        and node.arg == "type"
        and isinstance(node.value, ast.Name | ast.Attribute)
        and ast.unparse(node.value).rpartition(".")[2] in ("Path", "PurePath", "given_path")
    ]
    assert strange == []


@pytest.mark.parametrize(
    "given",
    [
        ("farm", "bundle", "one.npz", "", "two.npz", "--out", "bundle"),
        ("fetch", "job", "--out", "one\ntwo"),
        ("fetch", "job", "--out=~nobody-at-all/x"),
    ],
)
def test_one_of_several_and_a_path_that_nobody_means_are_no_better(given, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(given)
    assert ended.value.code == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_quoted_tilde_is_the_home_folder_and_no_folder_of_that_name(tmp_path, monkeypatch, capsys):
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert cli.main(["shards", "~/none"]) == 1
    assert f"({tmp_path / 'home' / 'none'})" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []
