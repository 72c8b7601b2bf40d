"""A write that fails leaves what was there, and says what to do."""

import os
from pathlib import Path

import pytest

from isa_engine.errors import ShotError
from isa_engine.shot import read_shot, write_shot
from tests.full_disk import room_for
from tests.shot.shots import same, small_shot


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "shot.npz"
    old = small_shot()
    write_shot(old, path)
    with room_for(1000), pytest.raises(ShotError) as error:
        write_shot(small_shot(width=1920), path)
    assert str(path) in str(error.value)
    assert "Free some space" in str(error.value)
    assert same(read_shot(path), old)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("place", ["absent/shot.npz", "file/shot.npz", "folder"])
def test_a_place_that_cannot_be_written(tmp_path, place):
    (tmp_path / "file").touch()
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ShotError, match="cannot write the shot") as error:
        write_shot(small_shot(), tmp_path / place)
    assert str(tmp_path / place) in str(error.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_without_permission(tmp_path):
    if os.geteuid() == 0:
        folder = Path("/proc")
    else:
        folder = tmp_path
        folder.chmod(0o500)
    with pytest.raises(ShotError, match="cannot write the shot"):
        write_shot(small_shot(), folder / "shot.npz")


def test_a_shot_that_is_not_whole_is_never_written(tmp_path):
    with pytest.raises(ShotError):
        write_shot(small_shot(characters=()), tmp_path / "shot.npz")
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_not_there_is_named(tmp_path):
    for path in (tmp_path / "absent.npz", tmp_path):
        with pytest.raises(ShotError, match="cannot read the shot") as error:
            read_shot(path)
        assert str(path) in str(error.value)
    assert str(error.value).endswith("Name the file shot.npz that is in it."), "of the folder"
