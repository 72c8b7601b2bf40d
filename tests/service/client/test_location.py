"""Where the engine is written down, and found again."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import isa_engine
from isa_engine.client.location import Installed, read_record, write_record
from isa_engine.user_data import data_folder

HOME = Path("/home/anna")


@pytest.mark.parametrize(
    ("platform", "environment", "folder"),
    [
        ("linux", {}, HOME / ".local/share/isa-engine"),
        ("linux", {"XDG_DATA_HOME": "/data/anna"}, Path("/data/anna/isa-engine")),
        ("linux", {"XDG_DATA_HOME": ""}, HOME / ".local/share/isa-engine"),
        ("linux", {"XDG_DATA_HOME": "relative"}, HOME / ".local/share/isa-engine"),
        ("freebsd14", {}, HOME / ".local/share/isa-engine"),
        ("darwin", {"XDG_DATA_HOME": "/data"}, HOME / "Library/Application Support/isa-engine"),
        ("win32", {"LOCALAPPDATA": "/users/anna/local"}, Path("/users/anna/local/isa-engine")),
        ("win32", {}, HOME / "AppData/Local/isa-engine"),
    ],
)
def test_each_system_has_its_own_place_for_it(platform, environment, folder):
    assert data_folder(platform, environment, HOME) == folder


def test_what_is_written_is_read(tmp_path):
    record = Installed("/opt/isa/林/.venv/bin/python", "1.2.3")
    file = write_record(record, tmp_path / "new" / "folder")
    assert read_record(tmp_path / "new" / "folder") == record
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"python": "x"}',
        b'{"python": 1, "version": "1"}',
        b'{"python": "", "version": "1"}',
        b'{"python": "x", "version": "1", "more": 2}',
        b"\xff\xfe\x00",
    ],
)
def test_a_record_that_makes_no_sense_is_no_record(tmp_path, content):
    (tmp_path / "engine.json").write_bytes(content)
    assert read_record(tmp_path) is None


def test_no_record_is_no_record(tmp_path):
    assert read_record(tmp_path / "nothing") is None


def test_the_installer_writes_down_its_own_python(tmp_path):
    environment = {"XDG_DATA_HOME": str(tmp_path), "HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
    command = [sys.executable, "-m", "isa_engine.client.location"]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()
    assert Path(said).is_relative_to(tmp_path)
    assert json.loads(Path(said).read_text()) == {"python": sys.executable, "version": isa_engine.__version__}
