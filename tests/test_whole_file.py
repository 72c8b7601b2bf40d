"""A file is whole or as it was."""

import os

import pytest

from isa_engine.whole_file import whole_file


def contents(folder) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.parametrize("shared", [False, True])
def test_what_was_written_takes_the_files_place(tmp_path, shared):
    (tmp_path / "a.json").write_text("older")
    with whole_file(tmp_path / "a.json", shared) as partial:
        partial.write_text("newer")
        assert (tmp_path / "a.json").read_text() == "older"
    assert contents(tmp_path) == {"a.json": "newer"}


@pytest.mark.parametrize("shared", [False, True])
def test_a_failure_leaves_what_was_there(tmp_path, shared):
    (tmp_path / "a.json").write_text("older")

    def fails():
        with whole_file(tmp_path / "a.json", shared) as partial:
            partial.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert contents(tmp_path) == {"a.json": "older"}


def test_a_full_disk_leaves_what_was_there(tmp_path):
    (tmp_path / "a.json").write_text("older")

    def fills_the_disk():
        with whole_file(tmp_path / "a.json") as partial:
            partial.symlink_to("/dev/full")
            partial.write_text("newer")

    with pytest.raises(OSError, match="No space left"):
        fills_the_disk()
    assert contents(tmp_path) == {"a.json": "older"}


def test_it_is_on_the_disk_before_it_takes_its_place(tmp_path, monkeypatch):
    done = []
    monkeypatch.setattr(os, "fsync", lambda number: done.append("on the disk"))
    monkeypatch.setattr(os, "replace", lambda *_: done.append("replaced"))
    with whole_file(tmp_path / "a.json") as partial:
        partial.write_text("newer")
    assert done == ["on the disk", "replaced"]


def test_two_at_once_do_not_write_into_each_other(tmp_path):
    with whole_file(tmp_path / "a", shared=True) as one, whole_file(tmp_path / "a", shared=True) as other:
        one.write_text("one")
        other.write_text("other")
    assert contents(tmp_path) == {"a": "one"}
