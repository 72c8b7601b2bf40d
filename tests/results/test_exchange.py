"""Of two takes' files those of one are in the folder, whatever happens while they are exchanged."""

import itertools
import os
from pathlib import Path

import pytest

from isa_engine.errors import EngineError
from isa_engine.results.exchange import exchange, finish
from isa_engine.results.files import NAMES, RECORD, results_in
from tests.killed import Killed, killed_after

OTHERS = "people.mov"


@pytest.fixture
def folder(tmp_path):
    """An older take's, with a file of somebody else."""
    for name in (*NAMES, OTHERS):
        (tmp_path / name).write_text("older")
    return tmp_path


def new_files(folder: Path, names=NAMES) -> dict[str, Path]:
    files = {name: folder / f"{name}.new" for name in names}
    for file in files.values():
        file.write_text("new")
    return files


def contents(folder: Path) -> dict[str, str]:
    """By name; folders are not allowed."""
    return {file.name: file.read_text() for file in folder.iterdir()}


@pytest.mark.parametrize("missing", [None, *NAMES])
def test_all_new_files_come_and_what_the_new_take_lacks_goes(folder, missing):
    names = [name for name in NAMES if name != missing]
    exchange(new_files(folder, names), folder, NAMES)
    assert contents(folder) == {**dict.fromkeys(names, "new"), OTHERS: "older"}


def refusing(monkeypatch, refused) -> None:
    replace = os.replace

    def refuse(source: Path, target: Path) -> None:
        if refused(Path(source), Path(target)):
            raise PermissionError(13, "it is open in another program")
        replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("way", ["away", "into its place"])
def test_where_a_file_cannot_be_replaced_all_are_where_they_were(folder, monkeypatch, name, way):
    files, once = new_files(folder), itertools.count()
    before = contents(folder)

    def refused(source: Path, target: Path) -> bool:
        here = folder / name
        return source == here if way == "away" else target == here and next(once) == 0

    refusing(monkeypatch, refused)
    with pytest.raises(PermissionError):
        exchange(files, folder, NAMES)
    assert contents(folder) == before


@pytest.mark.parametrize("steps", range(24))
def test_whoever_comes_next_brings_an_exchange_to_its_end_that_was_killed_at_any_step(folder, steps):
    files = new_files(folder)
    with killed_after(steps) as done:
        exchange(files, folder, NAMES)
    finish(folder, NAMES)
    exchange(new_files(folder, ["plate.mp4"]), folder, [])
    found = contents(folder)
    assert found.pop("plate.mp4") == "new", "the next exchange succeeds"
    assert len({found[name] for name in NAMES[1:]}) == 1
    assert next(done) >= steps


def test_whose_exchange_was_killed_comes_first_where_results_are_written(folder, monkeypatch):
    def refused(source: Path, target: Path) -> bool:
        if target == folder / RECORD:
            raise Killed
        return False

    with monkeypatch.context() as patched:
        refusing(patched, refused)
        with pytest.raises(Killed):
            exchange(new_files(folder), folder, NAMES)
    with pytest.raises(KeyError), results_in(folder):
        raise KeyError
    assert contents(folder) == {**dict.fromkeys(NAMES, "new"), OTHERS: "older"}


def test_results_that_cannot_replace_an_older_takes_are_kept_beside_it(folder, monkeypatch):
    refusing(monkeypatch, lambda source, target: source == folder / RECORD)

    def write() -> None:
        with results_in(folder) as parts:
            for part in vars(parts).values():
                part.write_text("new")

    with pytest.raises(EngineError, match=r"older take cannot be replaced: .*open.* kept beside it"):
        write()
    new = {f"{name}.part": "new" for name in NAMES}
    assert contents(folder) == {**dict.fromkeys((*NAMES, OTHERS), "older"), **new}
