"""A video's people become characters: through the detector's program and the import of tracked people."""

from pathlib import Path

import bpy
import numpy as np
import pytest

from isa_blender_addon.session.programs.tracking import Tracking, under_way
from isa_blender_addon.ui.cast import ISA_PT_cast
from isa_engine.body import bundled_motion
from isa_engine.detection.performance import Performance
from isa_engine.detection.track_file import write_tracks
from isa_engine.errors import Cancelled, EngineError
from tests.addon.drawn import drawn
from tests.service.running import eventually

SIZE, RATE = (640, 480), 24.0


@pytest.fixture
def video(scene, tmp_path, monkeypatch, addon):
    """A file that stands for a video, and a program that stands for the detector's: it follows one person."""
    scene.render.fps = round(RATE)
    rotations = bundled_motion("walk").rotations[:8].astype(float)
    pelvis = np.array([0, 0.1, -5.0]) + np.arange(8)[:, None] * [0.05, 0, 0]
    person = Performance(0, np.arange(2, 10), rotations, pelvis)
    write_tracks(tmp_path / "ready" / "detected.npz", [person], SIZE, RATE)
    clip = tmp_path / "a clip.MP4"
    clip.write_bytes(b"a video")

    def program(*lines: str) -> str:
        path = tmp_path / "python"
        path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
        path.chmod(0o755)
        monkeypatch.setenv("ISA_DETECTOR_PYTHON", str(path))
        return str(clip)

    program.follows = f'test "$5" = "{clip}" && cp {tmp_path}/ready/detected.npz "$7" && echo seen 9 9'
    return program


def test_a_video_in_the_import_of_people_becomes_a_character_before_its_camera(video, scene):
    path = video(video.follows)
    assert bpy.ops.isa.import_people(filepath=path, start_frame=101) == {"FINISHED"}
    (member,) = scene.isa.cast
    armature = member.character
    first, last = armature.animation_data.action.frame_range
    assert (first, last) == (103, 110)
    camera = scene.camera.data
    assert camera.lens == pytest.approx(36 * np.hypot(*SIZE) / SIZE[0], rel=1e-5)
    assert (scene.render.resolution_x, scene.render.resolution_y) == SIZE
    assert under_way.current is None


def test_why_nobody_was_followed_is_said_and_nothing_is_left(video, scene):
    path = video(
        "echo 'isa-engine: nobody is found in the video (a clip.MP4). See people whole.' >&2", "exit 1"
    )
    with pytest.raises(RuntimeError, match=r"Nobody is found in the video \(a clip\.MP4\)"):
        bpy.ops.isa.track_people(filepath=path)
    assert not scene.isa.cast
    assert under_way.current is None


def test_without_a_detector_it_is_said_how_to_get_one(video, tmp_path, monkeypatch):
    path = video()
    monkeypatch.delenv("ISA_DETECTOR_PYTHON")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with pytest.raises(RuntimeError, match=r"install/detector\.sh"):
        bpy.ops.isa.track_people(filepath=path)


def test_it_tells_how_far_it_is_and_can_be_cancelled(video, scene):
    now = under_way.begin(Tracking(Path(video("echo seen 3 9", "exec sleep 100"))))
    eventually(lambda: now.progress == ("seen", 3, 9), "it tells how far it is")
    assert "Looking at frame 3 of 9" in drawn(ISA_PT_cast)
    assert not now.command.over
    assert bpy.ops.isa.stop_tracking() == {"FINISHED"}
    folder = now._folder
    with pytest.raises(Cancelled):
        under_way.finish()
    assert not folder.exists()
    under_way.begin(Tracking(Path(video("exec sleep 100"))))
    under_way.close()
    assert under_way.current is None


def test_a_program_that_cannot_be_started_is_named(video, tmp_path, monkeypatch):
    monkeypatch.setenv("ISA_DETECTOR_PYTHON", str(tmp_path / "gone"))
    with pytest.raises(EngineError, match="cannot be started"):
        Tracking(Path("clip.mp4"))
