"""Jobs and files: whatever is saved, opened, undone or crashes meanwhile, a plate finds its scene."""

import os
import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path

import bpy
import pytest

from isa_blender_addon.engine import process
from isa_blender_addon.plate.camera_plane import planes
from isa_blender_addon.preferences.choices import Choices
from isa_blender_addon.session import current as session_module
from isa_blender_addon.session.current import session
from isa_blender_addon.takes import ids
from isa_blender_addon.takes.ids import scene_of, shot_id_of
from isa_blender_addon.takes.take import Take, read_take
from isa_engine.user_data import data_folder
from tests.addon import fake_engine
from tests.addon.fake_engine import FAST, HELD
from tests.addon.scenes.cast import stage
from tests.service.running import eventually


@pytest.fixture
def shot(scene, tmp_path, monkeypatch, addon):
    """A staged scene in a saved file, an engine installed, a job that waits for a word in its middle."""
    shutil.rmtree(data_folder(), ignore_errors=True)
    monkeypatch.setattr(process, "ENGINE", fake_engine.COMMAND)
    monkeypatch.setenv("ISA_ENGINE_PYTHON", sys.executable)
    stage(scene, frames=4)
    scene.isa.steps, scene.isa.seed = 2, HELD
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    bpy.ops.isa.generate()
    return scene


def ticks_until(condition, what: str):
    def ticked():
        session().tick()
        return condition()

    return eventually(ticked, what)


def sent() -> Take:
    """The take, once its job runs and the note of that is on disk."""

    def kept():
        jobs = session().queue.jobs()
        return jobs and jobs[0].state == "running" and (read_take(jobs[0].take.folder) or jobs[0].take)

    return ticks_until(lambda: (take := kept()) and take.job and take, "the job is on its way")


def let_go(take: Take) -> None:
    (data_folder() / "blender" / take.engine.rpartition("/")[2] / "jobs" / take.job / "go").touch()


def reopen(tmp_path: Path):
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    # A Blender without a window looks for no jobs by itself.
    session().open_file()
    return bpy.context.scene


def home(scene) -> Take:
    """The take, once its plate is in the scene."""
    ticks_until(lambda: planes(scene), "the plate is in the scene")
    (take,) = session().queue.takes(shot_id_of(scene))
    return take


def crash() -> None:
    """Blender goes without a word, and its engine with it."""
    now, session_module._session = session_module._session, None
    os.kill(now.engine._local._process.pid, signal.SIGKILL)
    now.engine._local._process.wait()
    for runner in now.queue._runners.values():
        runner.leave()
    if bpy.app.timers.is_registered(now._timer):
        bpy.app.timers.unregister(now._timer)


def test_a_plate_comes_to_the_file_that_was_saved_and_opened_again_meanwhile(shot, tmp_path):
    take = sent()
    bpy.ops.wm.save_mainfile()
    scene = reopen(tmp_path)
    let_go(take)
    assert home(scene).folder == tmp_path / "isa" / "Scene-001"
    assert session().trouble == ""


def test_after_a_crash_the_job_goes_on_and_its_plate_comes(shot, tmp_path):
    take = sent()
    crash()
    scene = reopen(tmp_path)
    ticks_until(lambda: session().queue.jobs() and sent().job == take.job, "the same job runs again")
    let_go(take)
    assert home(scene).job == take.job
    bpy.ops.wm.save_mainfile()
    assert scene.isa.shot == take.shot_id, "the file knows its shot from now on"


def test_a_job_that_was_never_sent_waits_for_a_word_after_a_crash(shot, tmp_path):
    (take,) = (tmp_path / "isa").iterdir()
    eventually(lambda: read_take(take), "the job is on disk")
    crash()
    reopen(tmp_path)
    ticks_until(lambda: session().jobs(), "the job is found")
    (job,) = session().jobs()
    if job.state == "resting":
        assert session().engine.status().state == "stopped", "nothing is started unasked"
    bpy.ops.isa.retry_job(take=str(take))
    let_go(sent())
    home(bpy.context.scene)


def test_a_plate_waits_for_the_file_that_is_not_open(shot, tmp_path):
    take = sent()
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    let_go(take)
    ticks_until(lambda: session().note, "its coming is said")
    assert str(take.folder) in session().note
    assert not planes(bpy.context.scene)
    home(reopen(tmp_path))


def test_a_plate_waits_for_its_file_where_another_one_is_opened_while_it_comes_in(shot, tmp_path):
    take = sent()
    bpy.ops.wm.save_mainfile()
    let_go(take)
    ticks_until(lambda: session().queue.arrived(), "the first of its steps is done")
    assert not planes(shot)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    ticks_until(lambda: session().note, "its coming is said")
    assert not planes(bpy.context.scene)
    home(reopen(tmp_path))
    assert session().trouble == ""


def test_a_take_that_is_deleted_while_it_comes_in_stays_away(shot):
    take = sent()
    let_go(take)
    ticks_until(lambda: session().queue.arrived(), "the first of its steps is done")
    session().queue.remove(take.folder)
    for _ in range(3):
        session().tick()
    assert not planes(shot)
    assert session().trouble == ""


def test_undo_and_redo_meanwhile_cost_no_plate(shot):
    for message in ("one", "two"):
        bpy.ops.ed.undo_push(message=message)
    take = sent()
    bpy.context.scene.isa.seed = FAST
    bpy.ops.ed.undo_push(message="three")
    bpy.ops.ed.undo()
    bpy.ops.ed.undo()
    let_go(take)
    home(bpy.context.scene)


def test_a_renamed_scene_gets_its_plate(shot):
    take = sent()
    shot.name = "Renamed"
    let_go(take)
    home(shot)


def copy_of(scene):
    """As the artist's, it is saved with the file."""
    copy = scene.copy()
    copy.use_fake_user = True
    return copy


def test_a_plate_goes_to_the_original_whatever_a_copy_is_called(shot, tmp_path):
    take = sent()
    bpy.ops.wm.save_mainfile()
    copy = copy_of(shot)
    assert copy.isa.shot == take.shot_id, "Blender copies it"
    shot.name, copy.name = "Original", take.scene
    assert scene_of(take) == shot
    bpy.ops.wm.save_mainfile()
    assert (shot.isa.shot, copy.isa.shot) == (take.shot_id, "")
    reopen(tmp_path)
    original, copy = (bpy.data.scenes[name] for name in ("Original", take.scene))
    let_go(take)
    ticks_until(lambda: planes(original), "the plate is in the original")
    assert not planes(copy)
    assert shot_id_of(copy) != take.shot_id, "its own takes are another shot's"


def test_a_copy_that_has_the_name_takes_no_plate_after_a_crash(shot, tmp_path):
    take = sent()
    copy = copy_of(shot)
    shot.name, copy.name = "Original", take.scene
    bpy.ops.wm.save_mainfile()
    crash()
    reopen(tmp_path)
    ticks_until(lambda: session().queue.jobs() and sent().job == take.job, "the same job runs again")
    let_go(take)
    ticks_until(lambda: planes(bpy.data.scenes["Original"]), "the plate is in the original")
    assert not planes(bpy.data.scenes[take.scene])


def test_a_copy_in_an_autosave_is_no_second_original(shot, tmp_path):
    """Blender saves the last session and autosaves without asking anybody."""
    take = sent()
    bpy.ops.wm.save_mainfile()
    bpy.ops.scene.new(type="LINK_COPY")
    copy = bpy.context.scene
    assert copy.isa.shot == take.shot_id, "Blender copies it"
    shot.name, copy.name = "Z", "A"
    bpy.context.view_layer.update()
    ids._on_change()
    assert bpy.app.timers.is_registered(ids._renew)
    ids._renew()
    assert (shot.isa.shot, copy.isa.shot) == (take.shot_id, "")
    asked = bpy.app.handlers.save_pre[:]
    bpy.app.handlers.save_pre.clear()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "quit.blend"), copy=True)
    bpy.app.handlers.save_pre.extend(asked)
    crash()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "quit.blend"))
    assert scene_of(take) == bpy.data.scenes["Z"]


def test_the_plate_of_a_deleted_scene_goes_to_no_copy(shot):
    take = sent()
    bpy.ops.wm.save_mainfile()
    copy = copy_of(shot)
    bpy.data.scenes.remove(shot)
    copy.name = take.scene
    let_go(take)
    ticks_until(lambda: session().note, "its coming is said")
    assert str(take.folder) in session().note
    assert not planes(copy)
    bpy.ops.wm.save_mainfile()
    assert copy.isa.shot == ""


def test_a_strangers_file_starts_no_engine_and_sends_no_shot(shot, tmp_path):
    take = sent()
    bpy.ops.isa.cancel_job(take=str(take.folder))
    ticks_until(lambda: session().jobs()[0].state == "cancelled", "the artist's own job is over")
    bpy.ops.wm.save_mainfile()
    crash()
    for name, job in (("Scene-002", "f" * 32), ("Scene-003", "")):
        folder = tmp_path / "isa" / name
        folder.mkdir()
        shutil.copy(take.folder / "shot.npz", folder)
        replace(take, folder=folder, job=job, state="sent", engine="here/0").keep()
    reopen(tmp_path)
    ticks_until(lambda: len(session().jobs()) == 3, "the jobs are found")
    for _ in range(5):
        session().tick()
    assert session().engine.status().state == "stopped"


def test_a_plate_that_was_on_its_way_at_the_first_save_comes_to_the_files_folder(shot, tmp_path, monkeypatch):
    choices = Choices(cache=str(tmp_path / "cache"))
    monkeypatch.setattr("isa_blender_addon.preferences.folders.preferences", lambda: choices)
    bpy.ops.isa.cancel_job(take=str(sent().folder))
    ticks_until(lambda: session().jobs()[0].stopped, "the job of the saved file is over")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    stage(scene, frames=4)
    scene.isa.steps, scene.isa.seed = 2, HELD
    bpy.ops.isa.generate()
    take = ticks_until(running, "the job is on its way")
    assert tmp_path / "cache" in take.folder.parents
    (tmp_path / "work").mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "work" / "dance.blend"))
    let_go(take)
    assert home(scene).folder == tmp_path / "work" / "isa" / "Scene-001"
    moved = tmp_path / "work" / "isa" / "Scene-001"
    eventually(lambda: read_take(moved).imported, "that is on disk")
    assert not take.folder.exists()
    assert session().trouble == ""


def running() -> Take | None:
    """The take of the open scene whose job runs."""
    jobs = [job for job in session().jobs() if job.state == "running" and job.take.job]
    return jobs[0].take if jobs else None


def test_the_next_shot_can_be_queued_while_one_runs_and_both_come(shot):
    take = sent()
    shot.isa.seed = FAST
    bpy.ops.isa.generate()
    assert [job.state for job in session().jobs()] == ["running", "waiting"]
    let_go(take)
    ticks_until(lambda: not session().jobs() and not session().queue.arrived(), "both are there")
    assert [take.name for take in session().queue.takes(take.shot_id)] == ["Scene-002", "Scene-001"]
    assert len(planes(shot)) == 1
