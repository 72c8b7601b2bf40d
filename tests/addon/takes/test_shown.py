"""Takes in the scene: another one changes the media, and every button is undone like any step."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest

from isa_blender_addon.operators.takes import takes as takes_operators
from isa_blender_addon.operators.takes.takes import ISA_OT_delete_take, ISA_OT_use_settings, what_goes
from isa_blender_addon.plate.camera_plane import MATTE, planes
from isa_blender_addon.session.current import close, session
from isa_blender_addon.settings.shot import generation_settings
from isa_blender_addon.takes.ids import own_takes, shot_id_of, take_places
from isa_blender_addon.takes.shown import other_folder, shown_folder
from isa_blender_addon.takes.take import Take, read_take
from isa_engine.client.protocol import RESULTS
from isa_engine.shot import Settings
from tests.addon.plates import add_camera, write_movie
from tests.addon.scenes.snapshot import snapshot
from tests.service.running import eventually


@pytest.fixture(scope="module")
def movies(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("movies")
    for seed in (1, 2):
        write_movie(folder / f"{seed}.mp4", 4, 32, 32, seed)
    return folder


@pytest.fixture
def staged(scene, tmp_path, addon):
    add_camera(scene)
    scene.frame_start, scene.frame_end = 1, 4
    scene.isa.folder = str(tmp_path / "isa")
    return scene


def take_of(scene, movies: Path, name: str, seed: int, **changes) -> Take:
    """A take of the scene whose plate has come."""
    folder = Path(scene.isa.folder) / name
    folder.mkdir(parents=True)
    for file in RESULTS:
        (folder / file).touch()
    for file in ("plate.mp4", "matte.mp4"):
        shutil.copy(movies / f"{seed}.mp4", folder / file)
    settings = Settings(steps=10 + seed, guidance=3.5, seed=seed)
    values = {"blend": "", "state": "done", "imported": True, "created": float(seed), **changes}
    take = Take(folder, shot_id_of(scene), scene=scene.name, frames=(1, 4, 1), settings=settings, **values)
    take.keep()
    session().queue.attach([take])
    return take


@pytest.fixture
def takes(staged, movies) -> list[Take]:
    return [take_of(staged, movies, name, seed) for name, seed in (("A", 1), ("B", 2))]


def show(take: Take) -> None:
    assert bpy.ops.isa.show_take(take=str(take.folder)) == {"FINISHED"}


def image(scene):
    (plane,) = planes(scene)
    return plane.active_material.node_tree.nodes["Image Texture"].image


def test_another_take_changes_the_media_and_not_the_nodes(staged, takes):
    show(takes[0])
    (plane,) = planes(staged)
    tree = plane.active_material.node_tree
    tree.nodes["Image Texture"].location = 123, 45
    before = {node.name for node in tree.nodes}, plane.name, plane.active_material.name
    show(takes[1])
    (plane,) = planes(staged)
    tree = plane.active_material.node_tree
    assert ({node.name for node in tree.nodes}, plane.name, plane.active_material.name) == before
    assert tuple(tree.nodes["Image Texture"].location) == (123, 45)
    assert Path(image(staged).filepath) == takes[1].folder / "plate.mp4"
    assert Path(plane[MATTE].filepath) == takes[1].folder / "matte.mp4"
    assert Path(staged.isa.last_results) == takes[1].folder


def test_a_and_b_change_places_with_every_click(staged, takes):
    assert not bpy.ops.isa.compare_takes.poll()
    show(takes[0])
    assert not bpy.ops.isa.compare_takes.poll()
    show(takes[1])
    for shown, other in ((0, 1), (1, 0), (0, 1)):
        assert bpy.ops.isa.compare_takes() == {"FINISHED"}
        assert shown_folder(staged) == takes[shown].folder
        assert other_folder(staged) == takes[other].folder


def test_showing_what_is_shown_keeps_the_other(staged, takes):
    show(takes[0])
    show(takes[1])
    show(takes[1])
    assert other_folder(staged) == takes[0].folder


def test_the_settings_of_a_take_come_back(staged, takes):
    staged.isa.seed, staged.isa.steps, staged.isa.painted = 99, 1, "boxes"
    staged.isa.detail = staged.isa.plate_scale = 3
    staged.isa.background = "RENDER"
    words = ISA_OT_use_settings.description(None, SimpleNamespace(take=str(takes[0].folder)))
    assert words == "isa-tiny on 128×128 pixels, 11 steps, guidance 3.5, seed 1"
    assert bpy.ops.isa.use_settings(take=str(takes[0].folder)) == {"FINISHED"}
    isa = staged.isa
    assert (isa.model, isa.steps, isa.guidance, isa.seed) == ("isa-tiny", 11, 3.5, 1)
    assert isa.painted == "mask"
    assert (isa.detail, isa.plate_scale) == (1, 1)
    queue, settings = session().queue, takes[1].settings
    queue.mark(takes[1].folder, settings=replace(settings, width=392, height=224, plate_scale=4))
    words = ISA_OT_use_settings.description(None, SimpleNamespace(take=str(takes[1].folder)))
    assert words == "isa-tiny on 392×224 pixels, plate scale 4, 12 steps, guidance 3.5, seed 2"
    assert bpy.ops.isa.use_settings(take=str(takes[1].folder)) == {"FINISHED"}
    assert (isa.detail, isa.plate_scale) == (2, 4)


def test_a_take_without_a_background_leaves_the_plates_scale_to_the_scene(staged, takes):
    """It has 1, which nobody chose; with a background again, the plate is of the usual size."""
    assert takes[0].settings.plate_scale == 1
    staged.isa.background = "NONE"
    assert bpy.ops.isa.use_settings(take=str(takes[0].folder)) == {"FINISHED"}
    staged.isa.background = "RENDER"
    assert generation_settings(staged).plate_scale == 2


def test_settings_for_an_unknown_model_are_a_sentence_and_change_nothing(staged, movies):
    take = take_of(staged, movies, "C", 1)
    session().queue.mark(take.folder, settings=Settings(model="isa-900b", steps=3))
    before = snapshot()
    with pytest.raises(RuntimeError, match="no model 'isa-900b' here"):
        bpy.ops.isa.use_settings(take=str(take.folder))
    assert snapshot() == before


@pytest.mark.parametrize("press", ["show", "compare", "settings", "preset", "import"])
def test_undo_after_every_button_brings_the_scene_back(staged, takes, press):
    buttons = {
        "show": lambda: show(takes[1]),
        "compare": bpy.ops.isa.compare_takes,
        "settings": lambda: bpy.ops.isa.use_settings(take=str(takes[1].folder)),
        "preset": lambda: bpy.ops.isa.use_preset(name="Draft"),
        "import": lambda: bpy.ops.isa.import_results(directory=str(takes[1].folder)),
    }
    if press == "compare":
        show(takes[1])
    show(takes[0])
    bpy.ops.ed.undo_push(message="staged")
    before = snapshot()
    buttons[press]()
    bpy.ops.ed.undo_push(message=press)
    assert snapshot() != before
    bpy.ops.ed.undo()
    assert snapshot() == before


def test_pinning_and_the_jobs_buttons_change_nothing_in_the_scene(staged, takes):
    before = snapshot()
    bpy.ops.isa.pin_take(take=str(takes[0].folder))
    bpy.ops.isa.delete_take(take=str(takes[1].folder))
    assert snapshot() == before


def test_pinned_takes_come_first_then_the_newest_and_stay(staged, takes, movies):
    take_of(staged, movies, "C", 1, created=9.0)
    shot = shot_id_of(staged)
    assert [take.name for take in session().queue.takes(shot)] == ["C", "B", "A"]
    bpy.ops.isa.pin_take(take=str(takes[0].folder))
    assert [take.name for take in session().queue.takes(shot)] == ["A", "C", "B"]
    with pytest.raises(RuntimeError, match=r"A is pinned\. Unpin it first"):
        bpy.ops.isa.delete_take(take=str(takes[0].folder))
    eventually(lambda: read_take(takes[0].folder).pinned, "the pin is kept on disk")
    bpy.ops.isa.pin_take(take=str(takes[0].folder))
    assert bpy.ops.isa.delete_take(take=str(takes[0].folder)) == {"FINISHED"}
    eventually(lambda: not takes[0].folder.exists(), "its files are gone")


def test_the_take_that_is_shown_is_not_deleted(staged, takes):
    show(takes[0])
    with pytest.raises(RuntimeError, match=r"plate of scene 'Scene'\. Show another take first"):
        bpy.ops.isa.delete_take(take=str(takes[0].folder))
    assert takes[0].whole


def delete(take: Take) -> None:
    bpy.ops.isa.delete_take(take=str(take.folder))


@pytest.mark.parametrize("kind", ["PLANE", "BACKGROUND", "STRIP", "COMPOSITOR"])
def test_the_take_that_is_shown_is_kept_however_its_path_is_written(staged, takes, tmp_path, kind):
    """Save As rewrites paths with "..", a project is reached through a link."""
    staged.isa.plate = {kind}
    show(takes[0])
    blends = tmp_path / "elsewhere" / "deep" / "shot.blend", tmp_path / "new" / "shot.blend"
    for blend in blends:
        blend.parent.mkdir(parents=True)
        bpy.ops.wm.save_as_mainfile(filepath=str(blend))
        with pytest.raises(RuntimeError, match=r"plate of scene 'Scene'\. Show another take first"):
            delete(takes[0])
    (tmp_path / "link").symlink_to(tmp_path / "isa")
    linked = takes[0].folder.parent.parent / "link" / "A"
    session().queue.attach([replace(takes[0], folder=linked)])
    with pytest.raises(RuntimeError, match="plate of scene"):
        bpy.ops.isa.delete_take(take=str(linked))
    assert takes[0].whole


def test_a_take_that_another_scene_or_a_linked_one_shows_is_kept(staged, takes, tmp_path):
    show(takes[0])
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    bpy.context.window.scene = bpy.data.scenes.new("Other")
    with pytest.raises(RuntimeError, match="plate of scene 'Scene'"):
        delete(takes[0])
    bpy.ops.wm.read_factory_settings(use_empty=True)
    (tmp_path / "deep" / "er").mkdir(parents=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "deep" / "er" / "edit.blend"))
    with bpy.data.libraries.load(str(tmp_path / "shot.blend"), link=True, relative=True) as (there, here):
        here.scenes = there.scenes
    session().queue.attach([takes[0]])
    with pytest.raises(RuntimeError, match="plate of scene"):
        delete(takes[0])
    assert takes[0].whole


def test_a_cancelled_job_in_the_folder_of_a_plate_that_is_shown_is_kept_with_it(staged, takes):
    """As after a command that was interrupted on its second run into a folder."""
    show(takes[0])
    session().queue.mark(takes[0].folder, state="cancelled")
    with pytest.raises(RuntimeError, match="plate of scene"):
        bpy.ops.isa.remove_job(take=str(takes[0].folder))
    assert takes[0].whole


def test_a_take_in_somebodys_own_material_is_kept(staged, takes):
    picture = bpy.data.images.load(str(takes[0].folder / "plate.mp4"))
    with pytest.raises(RuntimeError, match="still used in this file"):
        delete(takes[0])
    bpy.data.images.remove(picture)
    delete(takes[0])


@pytest.fixture
def trash(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "Trash"


def test_what_is_deleted_is_in_the_trash_with_a_note_of_where_it_was(staged, takes, trash):
    for take in takes:
        (trash / "files" / take.name).mkdir(parents=True)
        (trash / "info").mkdir(exist_ok=True)
        (trash / "info" / f"{take.name}.trashinfo").touch()
        delete(take)
        assert not take.folder.exists()
        assert (trash / "files" / f"{take.name}.2" / "plate.mp4").is_file()
        note = (trash / "info" / f"{take.name}.2.trashinfo").read_text()
        assert f"Path={take.folder}\nDeletionDate=" in note
    assert session().queue.takes(shot_id_of(staged)) == []


def test_the_artists_own_files_stay_beside_a_take_that_goes_to_the_trash(staged, takes, trash):
    (takes[0].folder / "people.mov").write_text("mine")
    assert "What others have put beside it stays: people.mov." in what_goes(takes[0])
    delete(takes[0])
    assert [file.name for file in takes[0].folder.iterdir()] == ["people.mov"]
    assert (trash / "files" / "A" / "plate.mp4").is_file()


def test_a_take_that_the_trash_refuses_stays_whole(staged, takes, trash):
    trash.parent.mkdir()
    trash.write_text("no folder")
    with pytest.raises(RuntimeError, match="cannot be moved to the trash"):
        delete(takes[0])
    assert takes[0].whole
    assert read_take(takes[0].folder) is not None
    assert takes[0] in session().queue.takes(shot_id_of(staged))


def test_deleting_says_what_goes_and_asks_with_cancel_as_the_answer_to_return(staged, takes, trash):
    asked = {}
    manager = SimpleNamespace(invoke_props_dialog=lambda *_, **options: asked.update(options))
    operator = SimpleNamespace(found=takes[0], _refuse=lambda _: False)
    ISA_OT_delete_take.invoke(operator, SimpleNamespace(window_manager=manager), None)
    assert asked == {"title": "Delete A?", "confirm_text": "Move to Trash", "cancel_default": True}
    (takes[0].folder / "plate.mp4").write_bytes(bytes(12_000_000))
    first, folder = what_goes(takes[0])
    assert first == "12 MB: frames 1–4, seed 1. No scene of this file shows it."
    assert folder == str(takes[0].folder)


def test_where_there_is_no_trash_it_is_said_that_it_goes_for_good(staged, takes, monkeypatch):
    monkeypatch.setattr(takes_operators, "has_trash", lambda _: False)
    assert "There is no trash for this drive: it goes for good." in what_goes(takes[0])
    delete(takes[0])
    eventually(lambda: not takes[0].folder.exists(), "its files are gone")


def test_a_take_whose_plate_is_gone_is_said_and_the_scene_stays(staged, takes):
    show(takes[0])
    (takes[1].folder / "plate.mp4").unlink()
    before = snapshot()
    with pytest.raises(RuntimeError, match="The movie is missing"):
        bpy.ops.isa.show_take(take=str(takes[1].folder))
    assert snapshot() == before


def found(scene) -> list[str]:
    searched = session().queue.search(take_places(scene)).result(60)
    return [take.name for take in own_takes(scene, searched)]


def test_takes_are_found_after_saving_under_another_name_and_of_each_scene_its_own(staged, movies, tmp_path):
    staged.isa.folder = str(tmp_path / "isa")
    take_of(staged, movies, "A", 1)
    other = bpy.data.scenes.new("Other")
    other.isa.folder = staged.isa.folder
    take_of(other, movies, "B", 2)
    for name in ("shot.blend", "renamed 'ü\".blend"):
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / name))
    close()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "renamed 'ü\".blend"))
    scenes = bpy.data.scenes
    assert (found(scenes["Scene"]), found(scenes["Other"])) == (["A"], ["B"])


def test_takes_are_found_after_a_crash_before_the_file_remembered_them(staged, movies, tmp_path):
    blend = tmp_path / "shot.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    take_of(staged, movies, "A", 1, blend="shot.blend")
    another = bpy.data.scenes.new("Another")
    another.isa.folder = staged.isa.folder
    take_of(another, movies, "B", 2, blend="shot.blend")
    close()
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    assert bpy.context.scene.isa.shot == ""
    assert found(bpy.context.scene) == ["A"]


def test_a_file_that_never_had_a_take_gets_none_of_others(staged, movies, tmp_path):
    take_of(staged, movies, "A", 1, blend="other.blend")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    fresh = bpy.data.scenes.new("Fresh")
    fresh.isa.folder = staged.isa.folder
    assert found(fresh) == []
