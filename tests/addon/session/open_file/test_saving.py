"""What lay in the cache goes with the file when it is saved, and what shows it follows; nothing is lost."""

import errno
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import bpy
import pytest

from isa_blender_addon.plate import files
from isa_blender_addon.preferences.choices import Choices
from isa_blender_addon.preferences.folders import takes_folder
from isa_blender_addon.session.current import session
from isa_blender_addon.session.open_file import saving
from isa_blender_addon.takes.folders import output_folder
from isa_blender_addon.takes.ids import shot_id_of
from isa_blender_addon.takes.replacing import begin_within
from isa_blender_addon.takes.shown import other_folder, shown_folder
from isa_blender_addon.takes.take import Take, read_take
from isa_engine.client.protocol import RESULTS
from isa_engine.shot import Settings
from tests.addon.plates import add_camera, write_movie
from tests.addon.scenes.cast import stage


@pytest.fixture
def unsaved(scene, tmp_path, monkeypatch, addon):
    """A file that was never saved, with takes A and B in the cache, B shown and A before it."""
    choices = Choices(cache=str(tmp_path / "cache"))
    monkeypatch.setattr("isa_blender_addon.preferences.folders.preferences", lambda: choices)
    add_camera(scene)
    scene.frame_start, scene.frame_end = 1, 4
    scene.isa.plate = {"PLANE", "BACKGROUND", "STRIP"}
    for seed, name in enumerate("AB"):
        take_of(scene, name, seed)
        bpy.ops.isa.show_take(take=str(output_folder(scene) / name))
    return scene


def take_of(scene, name: str, seed: int) -> Take:
    folder = output_folder(scene) / name
    folder.mkdir(parents=True)
    for file in RESULTS:
        (folder / file).touch()
    for file in ("plate.mp4", "matte.mp4"):
        write_movie(folder / file, 4, 32, 32, seed)
    settings = Settings(seed=seed)
    take = Take(folder, shot_id_of(scene), "", scene.name, (1, 4, 1), settings, state="done", imported=True)
    take.keep()
    session().queue.attach([take])
    return take


def all_there(scene, home: Path) -> None:
    """Everything that is shown and known lies in this folder, and is there."""
    assert shown_folder(scene) == home / "B"
    assert other_folder(scene) == home / "A"
    assert all(file.is_file() for file in files(scene))
    assert Path(bpy.path.abspath(scene.isa.last_results)).resolve() == home / "B"
    for name in "AB":
        assert read_take(home / name).name == name
        assert session().queue.take(home / name) is not None


def test_takes_move_beside_the_file_on_its_first_save_and_it_is_said(unsaved, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "work" / "dance.blend"))
    home = tmp_path / "work" / "isa"
    all_there(unsaved, home)
    assert not list(takes_folder().rglob("take.json"))
    assert session().note == f"Takes that are beside the file now, in {home}: 2."
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "other.blend"))
    assert session().note == "", "the file is elsewhere, and they are not"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "work" / "dance.blend"))
    assert read_take(home / "A").blend == "dance.blend"
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "work" / "dance.blend"))
    assert shown_folder(bpy.context.scene) == home / "B"
    assert bpy.context.scene.isa.last_results == "//isa/B"


@pytest.fixture(autouse=True)
def work(tmp_path):
    for name in ("work", "other"):
        (tmp_path / name).mkdir()


def test_undo_to_before_the_save_still_finds_them(unsaved, tmp_path):
    bpy.ops.ed.undo_push(message="one")
    unsaved.isa.seed = 5
    bpy.ops.ed.undo_push(message="two")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "work" / "dance.blend"))
    bpy.ops.ed.undo()
    all_there(bpy.context.scene, tmp_path / "work" / "isa")


def test_undo_to_before_save_as_into_another_folder_still_finds_them(unsaved, tmp_path):
    """Undo brings paths back as they were from the former folder."""
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "work" / "dance.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "work" / "dance.blend"))
    session().queue.attach(session().queue.search([tmp_path / "work" / "isa"]).result(60))
    bpy.ops.ed.undo_push(message="one")
    bpy.context.scene.isa.seed = 5
    bpy.ops.ed.undo_push(message="two")
    (tmp_path / "other" / "deep").mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "other" / "deep" / "dance.blend"))
    all_there(bpy.context.scene, tmp_path / "work" / "isa")
    bpy.ops.ed.undo()
    all_there(bpy.context.scene, tmp_path / "work" / "isa")
    bpy.ops.ed.redo()
    all_there(bpy.context.scene, tmp_path / "work" / "isa")


def test_a_take_of_the_same_name_beside_the_file_is_not_overwritten(unsaved, tmp_path):
    theirs = tmp_path / "work" / "isa" / "B"
    theirs.mkdir(parents=True)
    (theirs / "plate.mp4").write_text("somebody's")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "work" / "dance.blend"))
    assert (theirs / "plate.mp4").read_text() == "somebody's"
    assert shown_folder(unsaved) == tmp_path / "work" / "isa" / "B-2"


def test_another_unsaved_files_takes_stay(unsaved, tmp_path):
    folder = output_folder(unsaved) / "theirs"
    folder.mkdir()
    Take(folder, "e" * 32, "", "Scene", (1, 4, 1), Settings(), state="done").keep()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "work" / "dance.blend"))
    assert read_take(folder) is not None


def test_where_they_cannot_move_they_stay_and_it_is_said(unsaved, tmp_path):
    cached = shown_folder(unsaved)
    (tmp_path / "work" / "isa").write_text("a file in the way")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "work" / "dance.blend"))
    assert shown_folder(unsaved) == cached
    assert (cached / "plate.mp4").is_file()
    assert "It stays where it is." in session().error


def test_from_another_drive_they_are_copied_whole(unsaved, tmp_path, monkeypatch):
    def other_drive(*_, **__):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr("isa_blender_addon.takes.take.os.link", other_drive)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "work" / "dance.blend"))
    all_there(unsaved, tmp_path / "work" / "isa")
    assert not list(takes_folder().rglob("plate.mp4"))


@pytest.mark.parametrize("name", ["copy.blend", "no/such/folder.blend"])
def test_a_copy_of_an_unsaved_file_and_a_save_that_fails_take_nothing_away(unsaved, tmp_path, name):
    """A copy in a folder that is gone a moment later, too."""
    cached = shown_folder(unsaved).parent
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "other" / name), copy=name == "copy.blend")
    except RuntimeError:
        assert name != "copy.blend"
        assert not list((tmp_path / "other").rglob("plate.mp4"))
    else:
        assert (tmp_path / "other" / "isa" / "B" / "plate.mp4").is_file(), "the copy has takes of its own"
    shutil.rmtree(tmp_path / "other")
    all_there(unsaved, cached)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "work" / "dance.blend"))
    all_there(unsaved, tmp_path / "work" / "isa")


def test_a_copy_for_rendering_the_background_touches_nothing(unsaved, tmp_path):
    cached = shown_folder(unsaved).parent
    (tmp_path / "isa-background-x").mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "isa-background-x" / "scene.blend"), copy=True)
    assert [file.name for file in (tmp_path / "isa-background-x").iterdir()] == ["scene.blend"]
    all_there(unsaved, cached)


def test_saving_the_startup_file_changes_nothing(unsaved, tmp_path, monkeypatch):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "work" / "dance.blend"))
    for handler in (*bpy.app.handlers.save_pre, *bpy.app.handlers.save_post):
        handler("", None)
    all_there(unsaved, tmp_path / "work" / "isa")
    assert unsaved.isa.last_results == "//isa/B"


@pytest.mark.parametrize("name", ["copy.blend", "no/such/folder.blend"])
def test_a_copy_and_a_save_that_fails_leave_the_open_file_whole(unsaved, tmp_path, name):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "work" / "dance.blend"))
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "other" / name), copy=name == "copy.blend")
    except RuntimeError:
        assert name != "copy.blend"
    all_there(unsaved, tmp_path / "work" / "isa")
    assert unsaved.isa.last_results == "//isa/B"
    if name == "copy.blend":
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "other" / name))
        assert shown_folder(bpy.context.scene) == tmp_path / "work" / "isa" / "B"


def test_pictures_and_takes_are_found_after_save_as_into_another_folder(unsaved, tmp_path):
    stage(unsaved)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "work" / "dance.blend"))
    (tmp_path / "work" / "anna.png").write_bytes(b"a picture")
    bpy.ops.isa.refresh_cast()
    unsaved.isa.cast[0].picture = "//anna.png"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "other" / "dance.blend"))
    assert Path(bpy.path.abspath(unsaved.isa.cast[0].picture)).resolve() == tmp_path / "work" / "anna.png"
    all_there(unsaved, tmp_path / "work" / "isa")


def test_the_demos_reference_moves_too(unsaved, tmp_path):
    stage(unsaved)
    bpy.ops.isa.refresh_cast()
    picture = output_folder(unsaved) / "demo-reference.png"
    picture.write_bytes(b"painted")
    unsaved.isa.cast[0].picture = str(picture)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "work" / "dance.blend"))
    assert unsaved.isa.cast[0].picture == "//isa/demo-reference.png"
    assert (tmp_path / "work" / "isa" / "demo-reference.png").read_bytes() == b"painted"
    assert not picture.exists()


def test_what_replaces_an_older_take_comes_out_when_all_of_it_is_on_disk(scene, tmp_path, monkeypatch, addon):
    take, order = take_of(scene, "A", 0), []
    within = begin_within(take.folder)
    for file in RESULTS:
        (within / file).write_text("new")
    new, keep = replace(take, folder=within), Take.keep

    def slowly(own: Take) -> None:
        time.sleep(0.3)
        keep(own)
        order.append(f"kept in {own.folder.parent.name}")

    monkeypatch.setattr(Take, "keep", slowly)
    monkeypatch.setattr(saving, "put_in_place", lambda *_: order.append("placed"))
    session().queue.attach([new])
    session().queue.mark(within, pinned=True)
    saving.bring_home(session().queue, scene, new)
    assert order == [f"kept in {within.parent.name}", "placed", f"kept in {take.folder.parent.name}"]
