"""``isa-engine track`` says what is wrong before it works for hours, and in little memory."""

import pytest

from isa_engine.cli import main
from isa_engine.detection import detector


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """How often the detector is started: a program that only counts."""
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\necho started >> {tmp_path}/starts\n")
    program.chmod(0o755)
    monkeypatch.setenv("ISA_DETECTOR_PYTHON", str(program))
    return lambda: (tmp_path / "starts").exists()


def test_a_place_that_cannot_be_written_is_said_before_the_video_is_looked_at(asked, tmp_path, capsys):
    (tmp_path / "clip.mp4").write_bytes(b"a video")
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "deeper"):
        assert main(["track", str(tmp_path / "clip.mp4"), "--out", str(out)]) == 1
        assert "cannot write: " in (said := capsys.readouterr().err)
        assert f"({out}). Choose a folder that you may write to" in said
    assert not asked()
    assert main(["track", str(tmp_path / "clip.mp4"), "--out", str(tmp_path / "out")]) == 1
    assert asked()


def test_no_more_of_a_file_is_read_than_the_detector_takes(asked, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(detector, "LARGEST_FILE", 2**20)
    with (tmp_path / "clip.mp4").open("wb") as sparse:
        # More than any machine's memory.
        sparse.truncate(2**42)
    assert main(["track", str(tmp_path / "clip.mp4"), "--out", str(tmp_path / "out")]) == 1
    assert "(clip.mp4). Cut it shorter" in capsys.readouterr().err
    assert not asked()
