"""Files of jobs that a start finds, held against what the queue knows."""

import errno

from isa_engine.service.files.folders import Folders


def test_half_an_upload_goes_and_what_the_queue_does_not_know_stays(folders: Folders):
    folders.receiving("half").write_bytes(b"x")
    (folders.uploads / "queued").write_bytes(b"answered for, and not yet moved")
    (folders.uploads / "whole").write_bytes(b"x")
    for job in ("known", "unknown"):
        folders.results(job, 1).mkdir(parents=True)
    assert folders.tidy(["known", "queued"]) == ["unknown", "whole"]
    assert [path.name for path in folders.uploads.iterdir()] == ["whole"]
    assert sorted(folder.name for folder in folders.jobs.iterdir()) == ["known", "queued", "unknown"]
    assert folders.shot("queued").read_bytes() == b"answered for, and not yet moved"


def test_a_full_disk_stops_no_start_where_a_shot_waits_among_the_uploads(folders, monkeypatch):
    (folders.uploads / "queued").write_bytes(b"x")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(folders, "admit", full)
    assert folders.tidy(["queued"]) == []
    monkeypatch.undo()
    assert folders.bring_shot("queued").read_bytes() == b"x"
