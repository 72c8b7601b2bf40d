"""Whether results can be written is known before they are made, and asking leaves nothing."""

import os
import tempfile
from pathlib import Path

import pytest

from isa_engine.errors import EngineError
from isa_engine.out_folder import check_folder, make_folder


def wrong_places(folder: Path) -> dict[Path, str]:
    """Places that no folder can be made at, and what is told of each."""
    (folder / "file").touch()
    (folder / "nowhere").symlink_to(folder / "gone")
    (folder / "circle").symlink_to(folder / "circle")
    return {
        folder / "file": f"'{folder / 'file'}' is a file",
        folder / "file" / "a" / "b": f"'{folder / 'file'}' is a file",
        folder / "nowhere": "is a link to nothing",
        folder / "circle": "",
        folder / "circle" / "a": "",
        folder / ("long" * 99): "too long",
        folder / "a" / ("long" * 99): "",
        folder.joinpath(*["deep"] * 2000): "too long",
    }


@pytest.mark.skipif(os.name != "posix", reason="links need a right on Windows")
def test_a_place_that_cannot_be_a_folder_is_told_with_why_and_what_to_do(tmp_path):
    for place, why in wrong_places(tmp_path).items():
        before = set(tmp_path.rglob("*"))
        for ask in (check_folder, make_folder):
            with pytest.raises(EngineError) as refused:
                ask(place)
            assert refused.value.problem.startswith("cannot write: ")
            assert why in refused.value.problem
            assert refused.value.where == str(place)
            assert refused.value.remedy
        assert set(tmp_path.rglob("*")) == before


def test_asking_makes_nothing_and_making_leaves_the_folder_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for place in (Path("."), Path("a"), Path("a/b"), tmp_path / "c"):
        check_folder(place)
        assert not list(tmp_path.iterdir())
    for place in (Path("."), Path("a/b"), Path("a/b"), tmp_path / "c"):
        make_folder(place)
    assert {path.relative_to(tmp_path) for path in tmp_path.rglob("*")} == {Path("a"), Path("a/b"), Path("c")}


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps a folder that somebody is in")
def test_a_current_folder_that_somebody_has_removed_is_said(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(EngineError, match="the current folder is not there any more"):
        check_folder(Path("out"))
    check_folder(tmp_path / "out")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="another user can be tried by root alone")
def test_a_folder_of_somebody_else_is_read_only():
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        place.chmod(0o755)
        os.setresuid(65534, 65534, 0)
        try:
            for wrong in (place, place / "a" / "b"):
                with pytest.raises(EngineError, match=f"'{place}' is read-only"):
                    check_folder(wrong)
            place_within = place / "closed"
        finally:
            os.setresuid(0, 0, 0)
        place_within.mkdir(mode=0o700)
        os.setresuid(65534, 65534, 0)
        try:
            with pytest.raises(EngineError, match="denied"):
                check_folder(place_within / "a")
        finally:
            os.setresuid(0, 0, 0)
