"""What is moved to the trash is there and can be had back; nothing here needs Blender."""

import os
import subprocess
from pathlib import Path

import pytest

from isa_blender_addon.takes import trash
from isa_blender_addon.takes.trash import has_trash, move_to_trash
from isa_engine.errors import SceneError


@pytest.fixture
def folder(tmp_path) -> Path:
    (tmp_path / "drive" / "isa" / "käse %20").mkdir(parents=True)
    (tmp_path / "drive" / "isa" / "käse %20" / "plate.mp4").write_text("plate")
    return tmp_path / "drive" / "isa" / "käse %20"


@pytest.fixture
def drive(tmp_path, monkeypatch) -> Path:
    """Another file system than that of the user's folder, as far as the trash can tell."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    root = tmp_path / "drive"
    monkeypatch.setattr(trash, "_device", lambda place: 1 if root in (place, *place.parents) else 2)
    monkeypatch.setattr(trash.os.path, "ismount", lambda place: Path(place) == root)
    return root


def test_it_is_in_the_users_trash_with_a_note_of_where_it_was(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    assert has_trash(folder)
    move_to_trash(folder)
    assert not folder.exists()
    files, info = (tmp_path / "home" / "Trash" / name for name in ("files", "info"))
    assert (files / folder.name / "plate.mp4").read_text() == "plate"
    note = (info / f"{folder.name}.trashinfo").read_text()
    assert note.startswith("[Trash Info]\nPath=/")
    assert "k%C3%A4se%20%2520\n" in note
    assert files.stat().st_mode & 0o777 == 0o700


def test_on_another_drive_it_goes_into_that_drives_trash(folder, drive):
    move_to_trash(folder)
    own = drive / f".Trash-{os.getuid()}"
    assert (own / "files" / folder.name / "plate.mp4").is_file()
    assert "Path=isa/k" in (own / "info" / f"{folder.name}.trashinfo").read_text(), "as seen from the drive"


def test_a_common_trash_is_used_where_nobody_can_exchange_it(folder, drive):
    (drive / ".Trash").mkdir()
    (drive / ".Trash").chmod(0o1777)
    (drive / ".Trash" / str(os.getuid())).mkdir()
    move_to_trash(folder)
    assert (drive / ".Trash" / str(os.getuid()) / "files" / folder.name).is_dir()


@pytest.mark.parametrize("spoil", ["not sticky", "a link"])
def test_a_common_trash_that_others_could_exchange_is_not(folder, drive, tmp_path, spoil):
    if spoil == "a link":
        (tmp_path / "elsewhere").mkdir()
        (drive / ".Trash").symlink_to(tmp_path / "elsewhere")
    else:
        (drive / ".Trash").mkdir(0o777)
    move_to_trash(folder)
    assert (drive / f".Trash-{os.getuid()}" / "files" / folder.name).is_dir()


def test_where_a_drive_can_have_none_it_is_known_before(folder, drive, monkeypatch):
    monkeypatch.setattr(trash.os, "access", lambda *_: False)
    assert not has_trash(folder)
    with pytest.raises(SceneError, match=r"there is none\. Delete it in your file browser"):
        move_to_trash(folder)
    assert folder.is_dir()


def test_what_cannot_be_moved_leaves_no_note(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(trash.os, "rename", refuse)
    with pytest.raises(SceneError, match="No space left"):
        move_to_trash(folder)
    assert list((tmp_path / "home" / "Trash" / "info").iterdir()) == []


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_the_systems_own_command_is_given_the_folder_and_its_failure_is_said(folder, monkeypatch, platform):
    monkeypatch.setattr(trash.sys, "platform", platform)
    asked = []

    def run(command, check, **options):
        asked.append((*command, options.get("env", {}).get("ISA_TRASH")))
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(trash.subprocess, "run", run)
    with pytest.raises(SceneError, match="cannot be moved to the trash"):
        move_to_trash(folder)
    assert str(folder) in asked[0]
    assert folder.is_dir()
