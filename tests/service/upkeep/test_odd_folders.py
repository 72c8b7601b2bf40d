"""Data folders with odd things in them, or that are somebody else's."""

import contextlib
import os
import re
import sqlite3

import pytest

from isa_engine.cli import main
from isa_engine.errors import EngineError
from isa_engine.service.files.folders import Folders
from isa_engine.service.queue.store import JobStore
from isa_engine.service.upkeep.lock import held
from isa_engine.service.upkeep.retention import Retention


@pytest.mark.parametrize("name", ["thesis.odt", ".ssh", "lost"])
def test_a_folder_with_other_things_in_it_is_left_as_it_is(tmp_path, name):
    """The engine makes its folder unreadable for others, which would end /tmp or somebody's home."""
    (tmp_path / name).mkdir()
    tmp_path.chmod(0o755)
    refusal = pytest.raises(EngineError, match=rf"other things lie there, such as '{name}'.*Choose another")
    with refusal, held(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert tmp_path.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("common", ["uploads", "jobs"])
def test_a_folder_is_no_engines_for_a_name_that_others_have_too(tmp_path, common):
    (tmp_path / common).mkdir()
    (tmp_path / "thesis.odt").touch()
    with pytest.raises(EngineError, match=r"lie there, such as 'thesis\.odt'"), held(tmp_path):
        pass


@pytest.mark.parametrize("action", [["list"], ["add", "anna"], ["revoke", "0"]])
@pytest.mark.parametrize("there", [True, False])
def test_a_mistyped_folder_gets_no_queue_by_a_command_about_tokens(tmp_path, capsys, action, there):
    """What is made where there is nothing is a new engine's folder, and only the first token makes one."""
    data = tmp_path / "home"
    if there:
        data.mkdir(mode=0o755)
        (data / "thesis.odt").touch()
    made = action[0] == "add" and not there
    assert main(["token", *action, "--data", str(data)]) == (0 if made else 1)
    if not made:
        assert re.search("there is no queue|other things lie there", capsys.readouterr().err)
        assert data.exists() == there
    if there:
        assert data.stat().st_mode & 0o777 == 0o755
        assert [path.name for path in data.iterdir()] == ["thesis.odt"]


@pytest.mark.parametrize("name", ["lost+found", "queue.sqlite3", "queue.sqlite3.20261127000000", "jobs"])
def test_a_new_disk_or_a_folder_of_an_engine_is_taken(tmp_path, name):
    (tmp_path / name).mkdir()
    with held(tmp_path) as (folders, _):
        assert folders.jobs.is_dir()


@pytest.mark.parametrize("job", ["", ".", "..", "../../etc", "/etc", "a/b"])
def test_a_queue_from_elsewhere_leads_out_of_no_folder(tmp_path, job):
    (tmp_path / "data").mkdir()
    (tmp_path / "kept").write_text("of somebody else")
    folders = Folders(tmp_path / "data")
    (folders.jobs / "kept").mkdir()
    with contextlib.closing(JobStore(folders.queue)) as store:
        for each in (job, "gone"):
            store.run("INSERT INTO removals VALUES (?)", each)
        Retention(store, folders, 30).tick()
        assert store.removals() == []
        with pytest.raises(EngineError, match="no job's name"):
            folders.shot(job)
    assert (folders.jobs / "kept").is_dir()
    assert (tmp_path / "kept").exists()


def test_a_folder_among_the_uploads_stops_no_start(tmp_path):
    folders = Folders(tmp_path / "data")
    (folders.uploads / "strange.part").mkdir()
    (folders.uploads / "half.part").write_bytes(b"x")
    assert folders.tidy([]) == ["strange.part"]
    assert [path.name for path in folders.uploads.iterdir()] == ["strange.part"]


def test_a_link_in_a_jobs_place_is_not_followed_when_the_job_goes(tmp_path):
    folders = Folders(tmp_path / "data")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "film").write_text("of somebody else")
    (folders.jobs / "a").symlink_to(tmp_path / "elsewhere")
    folders.remove("a")
    assert (tmp_path / "elsewhere" / "film").exists()


@pytest.mark.parametrize("name", ["queue.sqlite3", "queue.sqlite3-wal", "lock.sqlite3", "jobs/a/shot.npz"])
def test_a_copy_of_the_queue_takes_no_place_of_the_engines_own(store, folders, capsys, name):
    store.add("a")
    path = folders.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_bytes(b"here before")
    before, inode = path.read_bytes(), path.stat().st_ino
    assert main(["queue", "backup", str(path), "--data", str(folders.root)]) == 1
    assert "would take the place of a file of the engine's" in capsys.readouterr().err
    assert (path.read_bytes(), path.stat().st_ino) == (before, inode)


def test_a_queue_from_the_future_is_left_as_it_is(store, folders, capsys, tmp_path):
    store.close()
    with contextlib.closing(sqlite3.connect(folders.queue)) as direct:
        direct.execute("PRAGMA user_version = 99")
    content, data = folders.queue.read_bytes(), ("--data", str(folders.root))
    with pytest.raises(EngineError, match=r"of another version of the engine.*let that version finish"):
        JobStore(folders.queue, own=True)
    for command in (["token", "list"], ["queue", "check"], ["queue", "restore", str(folders.queue)]):
        assert main([*command, *data]) == 1
        assert "of another version of the engine" in capsys.readouterr().err, command
    assert folders.queue.read_bytes() == content


@pytest.mark.parametrize("name", ["queue.sqlite3", "lock.sqlite3"])
@pytest.mark.parametrize("kind", ["folder", "pipe", "noise", "dangling link"])
def test_what_stands_in_the_place_of_a_file_is_said_or_taken_and_nothing_hangs(tmp_path, name, kind):
    path = tmp_path / "data" / name
    path.parent.mkdir()
    {
        "folder": path.mkdir,
        "pipe": lambda: os.mkfifo(path),
        "noise": lambda: path.write_bytes(os.urandom(5000)),
        "dangling link": lambda: path.symlink_to(tmp_path / "gone" / "file"),
    }[kind]()
    with contextlib.suppress(EngineError), held(path.parent) as (folders, _):
        JobStore(folders.queue, own=True).close()


def test_a_data_folder_belongs_to_one_service_at_a_time(tmp_path):
    refusal = pytest.raises(EngineError, match="another engine uses this folder")
    with held(tmp_path / "data"), refusal, held(tmp_path / "data"):
        pass
    with held(tmp_path / "data") as (folders, _):
        assert folders.jobs.is_dir()


def test_a_data_folder_that_cannot_be_one_is_said(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with (
        pytest.raises(EngineError, match=r"^the folder cannot be used.*file.*Choose another folder"),
        held(tmp_path / "file"),
    ):
        pass
