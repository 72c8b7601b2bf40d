"""Generate, from the button to the plate, with an engine that only paints grey; and all that goes wrong."""

import json
import os
import signal
from pathlib import Path

import bpy
import pytest

from isa_blender_addon.operators.shot import generate
from isa_blender_addon.plate.camera_plane import MATTE, planes
from isa_blender_addon.session import generating
from isa_blender_addon.session.current import close, session
from isa_blender_addon.session.reading import readiness, reading
from isa_blender_addon.settings.shot import generation_settings
from isa_blender_addon.takes.ids import shot_id_of
from isa_engine.errors import SceneError
from isa_engine.shot.validation import MAX_FRAMES
from tests.addon.fake_engine import DYING, ENDLESS, REFUSED
from tests.addon.modal import Window, clicked, event
from tests.addon.plates import write_movie
from tests.addon.scenes.snapshot import snapshot
from tests.service.running import eventually


def finish() -> None:
    """What Blender's timer does, until all jobs are over and the plates are there."""

    def idle() -> bool:
        session().tick()
        return all(job.stopped for job in session().queue.jobs()) and not session().queue.arrived()

    eventually(idle, "all jobs are over")
    # The last plate's step of undo.
    session().tick()


def read_on(life, window: Window) -> None:
    """Events until the reading is over: how many frames are read at one depends on the clock."""
    while window.timers:
        event(life, window)


def running() -> bool:
    session().tick()
    return any(job.state == "running" for job in session().queue.jobs())


def only_job():
    """Of the scene that is open."""
    (job,) = session().jobs()
    return job


def test_the_plate_comes_back_to_the_scene(shot, tmp_path):
    assert bpy.ops.isa.generate() == {"FINISHED"}
    assert not session().busy
    assert bpy.ops.isa.generate.poll(), "another one can be queued"
    finish()
    assert session().jobs() == []
    assert session().error == ""
    (plane,) = planes(shot)
    assert plane.parent == shot.camera
    take = tmp_path / "takes" / "Scene-001"
    assert Path(shot.isa.last_results) == take
    assert Path(plane[MATTE].filepath) == take / "matte.mp4"
    assert json.loads((take / "record.json").read_text())
    image = plane.active_material.node_tree.nodes["Image Texture"].image
    assert image.frame_duration == 4
    assert len(shot.camera.data.background_images) == 1


def test_the_next_take_replaces_the_plate_and_keeps_the_files(shot, tmp_path):
    for _ in range(2):
        bpy.ops.isa.generate()
        finish()
    assert len(planes(shot)) == 1
    assert sorted(folder.name for folder in (tmp_path / "takes").iterdir()) == ["Scene-001", "Scene-002"]


def test_the_plates_return_is_one_step_of_undo(shot):
    bpy.ops.ed.undo_push(message="staged")
    names = set(bpy.data.objects.keys())
    bpy.ops.isa.generate()
    finish()
    assert set(bpy.data.objects.keys()) > names
    bpy.ops.ed.undo()
    assert set(bpy.data.objects.keys()) == names
    assert not bpy.context.scene.camera.data.background_images


def test_cancel_ends_the_job_and_leaves_the_scene_as_it_was(shot, tmp_path):
    shot.isa.seed = ENDLESS
    bpy.ops.isa.refresh_cast()
    before = snapshot()
    bpy.ops.isa.generate()
    eventually(running, "the job is running")
    bpy.ops.isa.cancel_job(take=str(only_job().take.folder))
    finish()
    assert (only_job().state, session().error) == ("cancelled", "")
    assert snapshot() == before
    bpy.ops.isa.remove_job(take=str(only_job().take.folder))
    assert session().jobs() == []
    eventually(lambda: not list((tmp_path / "takes").iterdir()), "its files are gone")


def test_a_range_too_long_for_a_take_is_said_before_all_of_it_is_read(shot, tmp_path, monkeypatch):
    bpy.ops.isa.refresh_cast()
    shot.frame_step, shot.frame_end = 2, 2 * MAX_FRAMES
    assert readiness.obstacle(shot) is None
    shot.frame_end += 1
    monkeypatch.setattr(reading, "capture_frames", None)
    end = f"Set its end to {2 * MAX_FRAMES - 1} or earlier"
    with pytest.raises(
        RuntimeError, match=f"has {MAX_FRAMES + 1} frames, and a take {MAX_FRAMES} at most. {end}"
    ):
        bpy.ops.isa.generate()
    assert not (tmp_path / "takes").exists()


@pytest.mark.parametrize(
    ("size", "aspect", "detail", "sentence"),
    [
        (
            (4000, 50),
            1,
            1,
            "'Scene', 4000 × 50 pixels, .* paint 10240 × 128 .* 4096. Keep its longer side within 32 times",
        ),
        (
            (50, 4000),
            1,
            1,
            "'Scene', 50 × 4000 pixels, .* paint 128 × 10240 .* 4096. Keep its longer side within 32 times",
        ),
        ((2000, 50), 2, 1, "'Scene', 2000 × 50 pixels, .* paint 10240 × 128 .* Resolution, Aspect"),
        ((1500, 50), 1, 2, "paint 6720 × 224 .* Set Detail to 1, or keep its longer side within 18 times"),
        (
            (20000, 10000),
            1,
            1,
            "render of scene 'Scene' is 20000 × 10000 pixels, and a side has at most 16384",
        ),
    ],
)
def test_a_frame_that_no_plate_fills_is_said_before_a_frame_is_read(
    shot, tmp_path, monkeypatch, size, aspect, detail, sentence
):
    bpy.ops.isa.refresh_cast()
    shot.isa.detail, shot.render.pixel_aspect_x = detail, aspect
    shot.render.resolution_x, shot.render.resolution_y = size
    monkeypatch.setattr(reading, "capture_frames", None)
    with pytest.raises(RuntimeError, match=sentence):
        bpy.ops.isa.generate()
    assert not (tmp_path / "takes").exists()
    shot.render.resolution_x, shot.render.resolution_y = 32 * 50 // aspect // detail, 50
    assert readiness.obstacle(shot) is None


def test_a_plate_that_is_too_large_is_said_with_the_largest_scale_before_a_frame_is_read(
    shot, tmp_path, monkeypatch
):
    bpy.ops.isa.refresh_cast()
    shot.isa.detail, shot.isa.plate_scale, shot.isa.background = 1, 3, "RENDER"
    shot.render.resolution_x, shot.render.resolution_y = 3000, 200
    monkeypatch.setattr(reading, "capture_frames", None)
    sentence = r"plate would have 5760 × 384 pixels, .* at most 4096\. Set Plate Scale to 2"
    with pytest.raises(RuntimeError, match=sentence):
        bpy.ops.isa.generate()
    assert not (tmp_path / "takes").exists()
    said = readiness.staging(shot)
    shot.isa.plate_scale = 2
    assert readiness.obstacle(shot) is None
    assert readiness.staging(shot) != said
    # Without a background it has the canvas's pixels.
    shot.isa.plate_scale, shot.isa.background = 4, "NONE"
    assert readiness.obstacle(shot) is None


@pytest.mark.parametrize(
    ("size", "scale"), [((3000, 200), 2), ((6400, 200), 1), ((200, 6400), 1), ((1920, 1080), 2)]
)
def test_a_plate_whose_scale_nobody_chose_is_as_large_as_it_may_be(shot, size, scale):
    """Nothing holds the shot that an artist has not set."""
    bpy.ops.isa.refresh_cast()
    shot.isa.detail, shot.isa.background = 1, "RENDER"
    shot.isa.property_unset("plate_scale")
    shot.render.resolution_x, shot.render.resolution_y = size
    assert readiness.obstacle(shot) is None
    assert generation_settings(shot).plate_scale == scale
    # Who has chosen is told.
    shot.isa.plate_scale = 2
    assert (readiness.obstacle(shot) is None) == (scale == 2)


def test_escape_ends_the_reading(shot, tmp_path):
    bpy.ops.isa.refresh_cast()
    before = snapshot()
    window = Window(shot)
    life = clicked(generate.ISA_OT_generate, window, anyway=False)
    assert session().busy
    assert event(life, window, "LEFTMOUSE") == {"PASS_THROUGH"}
    assert event(life, window, "X") == {"RUNNING_MODAL"}
    assert event(life, window, "ESC") == {"CANCELLED"}
    assert not session().busy
    assert window.timers == []
    assert snapshot() == before
    assert not list((tmp_path / "takes").iterdir())


class Painter:
    """A background that is rendered until it is told that it is done."""

    done, total, movie, shadows, depth = 0, 4, None, True, None

    def poll(self):
        return self.movie

    def close(self) -> None:
        pass


@pytest.fixture
def painted(shot, monkeypatch):
    """A click on Generate, up to a background that is being rendered: operator, window, painter."""
    painter, window = Painter(), Window(shot)
    monkeypatch.setattr(reading.background, "begin", lambda *_: painter)
    bpy.ops.isa.refresh_cast()
    life = clicked(generate.ISA_OT_generate, window, anyway=True)
    while not life._reading.frames_read:
        event(life, window)
    return life, window, painter


def test_while_a_background_renders_no_key_is_blocked_and_blender_is_hardly_woken(shot, painted):
    life, window, _ = painted
    for key in ("X", "Z", "ESC", "SPACE", "LEFTMOUSE", "TIMER"):
        assert event(life, window, key) == {"PASS_THROUGH"}
    assert session().busy
    assert window.timers == [0.1]
    session().reading.close()


def test_a_shot_is_sent_though_its_scene_was_changed_and_undone_while_its_background_rendered(shot, painted):
    life, window, painter = painted
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.ed.undo_push(message="cube")
    bpy.ops.ed.undo()
    painter.movie = b""
    read_on(life, window)
    assert life.result == {"FINISHED"}
    assert any(not job.stopped for job in session().queue.jobs())


def open_another_file(scene, tmp_path) -> None:
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)


def delete_the_scene(scene, tmp_path) -> None:
    bpy.data.scenes.new("Other")
    bpy.data.scenes.remove(scene)


def delete_the_camera(scene, tmp_path) -> None:
    bpy.data.objects.remove(scene.camera)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (open_another_file, r"while (it|the scene) was read\. Generate again"),
        (delete_the_scene, r"while (it|the scene) was read\. Generate again"),
        (delete_the_camera, "no active camera in scene 'Scene'"),
    ],
)
def test_what_goes_away_while_it_is_read_is_a_sentence_and_leaves_no_take(shot, tmp_path, change, sentence):
    pelvis = shot.objects["Anna"].pose.bones["pelvis"]
    # Moved and not keyed.
    pelvis.location = 0.5, 0, 0
    reading = generating.generate(session(), shot, anyway=True)
    assert all(reading.step() for _ in range(3))
    change(shot, tmp_path)
    with pytest.raises(SceneError, match=sentence):
        all(iter(reading.step, False))
    assert not session().busy
    eventually(lambda: not list((tmp_path / "takes").iterdir()), "its folder is gone")
    if change is not open_another_file:
        assert tuple(pelvis.location) == pytest.approx((0.5, 0, 0))


def test_a_take_is_of_the_frames_that_were_read_whatever_the_range_is_then(shot):
    reading = generating.generate(session(), shot, anyway=True)
    assert all(reading.step() for _ in range(3))
    shot.frame_step, shot.frame_end = 2, 3
    assert all(iter(reading.step, False))
    assert session().jobs()[-1].take.frames == (1, 4, 1)


def test_one_course_leads_from_the_click_to_the_plate(shot, painted, tmp_path):
    life, window, painter = painted
    course = life._reading.course
    said = [course.left]
    event(life, window)
    write_movie(tmp_path / "set.mp4", 4, 64, 64)
    painter.movie = (tmp_path / "set.mp4").read_bytes()
    while window.timers:
        event(life, window)
        said.append(course.left)
    job = next(job for job in session().queue.jobs() if session().courses.of(job.take.folder) is course)
    finish()
    assert said == sorted(said, reverse=True)
    assert {"read", "background", "check"} <= set(course.spent)
    assert course.spent.keys() & {"encode", "denoise", "decode", "fetch"}
    assert session().courses.of(job.take.folder) is None, "it is over"


def test_a_failure_that_nobody_foresaw_ends_the_reading_too(shot, tmp_path, monkeypatch):
    def break_down(*_):
        yield 1, 4
        raise ZeroDivisionError

    monkeypatch.setattr(reading, "capture_frames", break_down)
    window = Window(shot)
    life = clicked(generate.ISA_OT_generate, window, anyway=False)
    with pytest.raises(ZeroDivisionError):
        read_on(life, window)
    assert window.timers == []
    assert not session().busy
    assert not list((tmp_path / "takes").iterdir())


def test_what_the_engine_refuses_is_said_in_the_panel(shot, tmp_path):
    shot.isa.seed = REFUSED
    bpy.ops.isa.generate()
    finish()
    assert "not to my taste" in only_job().snapshot.error
    assert not planes(shot)


def test_an_engine_that_dies_in_the_middle_is_said_and_its_job_goes_on_when_asked(shot):
    shot.isa.seed = DYING
    bpy.ops.isa.generate()
    finish()
    assert "engine stopped by itself" in only_job().snapshot.error
    assert session().engine.status().state == "failed"
    assert not planes(shot)
    sent = only_job().take.job
    assert bpy.ops.isa.retry_job(take=str(only_job().take.folder)) == {"FINISHED"}
    finish()
    assert session().jobs() == []
    assert [take.job for take in session().queue.takes(shot_id_of(shot))] == [sent], "it is the same job"
    assert planes(shot)


def test_a_killed_engine_is_seen_while_nothing_runs(shot):
    bpy.ops.isa.start_engine()
    eventually(lambda: session().tick() and session().engine.status().state == "ready", "the engine is ready")
    os.kill(session().engine._local._process.pid, signal.SIGKILL)
    eventually(lambda: session().tick() is None, "the end is seen")
    assert session().engine.status().state == "failed"


def test_the_engine_ends_with_the_addon(shot):
    bpy.ops.isa.start_engine()
    eventually(lambda: session().engine.status().state == "ready", "the engine is ready")
    process = session().engine._local._process
    assert process.poll() is None
    close()
    assert process.poll() is not None


def test_a_job_says_that_its_engine_was_stopped(shot):
    shot.isa.seed = ENDLESS
    bpy.ops.isa.generate()
    eventually(running, "the job is running")
    bpy.ops.isa.stop_engine()
    finish()
    assert only_job().snapshot.error == "The engine is not running."
    assert not planes(shot)
    eventually(lambda: session().engine.status().state == "stopped", "the engine has stopped")


def no_camera(scene, _tmp_path, _monkeypatch):
    scene.camera = None


def no_character(scene, _tmp_path, _monkeypatch):
    scene.objects["Anna"].hide_render = True
    for child in scene.objects["Anna"].children:
        child.hide_render = True


def nobody_included(scene, _tmp_path, _monkeypatch):
    bpy.ops.isa.refresh_cast()
    scene.isa.cast[0].include = False


def missing_picture(scene, tmp_path, _monkeypatch):
    bpy.ops.isa.refresh_cast()
    scene.isa.cast[0].picture = str(tmp_path / "gone.png")


def orthographic(scene, _tmp_path, _monkeypatch):
    scene.camera.data.type = "ORTHO"


def no_skin(scene, _tmp_path, _monkeypatch):
    """As somebody's whose library is missing."""
    scene.objects["Anna"].children[0].data.clear_geometry()


def not_installed(_scene, tmp_path, monkeypatch):
    monkeypatch.delenv("ISA_ENGINE_PYTHON")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    close()


def unwritable(scene, tmp_path, _monkeypatch):
    (tmp_path / "file").write_text("")
    scene.isa.folder = str(tmp_path / "file" / "takes")


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (no_camera, "no active camera in scene 'Scene'. Add one"),
        (no_character, "There is no character in scene 'Scene'. Add ▸ SMPL-X Character"),
        (nobody_included, "There is no character in scene 'Scene'. Add ▸ SMPL-X Character"),
        (missing_picture, r"Cannot read '.*gone\.png': .* \(reference picture of 'Anna'\)"),
        (orthographic, r"The camera is orthographic \(camera 'Camera'\)\. Set its lens type"),
        (no_skin, "'Anna' has no surface. Take it out of the cast, or give its mesh faces"),
        (not_installed, "No engine on this machine. Run install/engine.sh"),
        (unwritable, "takes' cannot be written: .* Choose another"),
    ],
)
def test_what_stands_in_the_way_is_a_sentence_and_leaves_no_trace(
    shot, tmp_path, monkeypatch, spoil, sentence
):
    spoil(shot, tmp_path, monkeypatch)
    bpy.ops.isa.refresh_cast()
    before = snapshot()
    with pytest.raises(RuntimeError, match=f"(?i){sentence}"):
        bpy.ops.isa.generate()
    assert session().error
    assert not session().busy
    assert snapshot() == before
    takes = tmp_path / "takes"
    assert not takes.exists() or not list(takes.iterdir())
    assert bpy.ops.isa.generate.poll()
