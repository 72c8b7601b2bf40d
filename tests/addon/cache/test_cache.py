"""The cache's clean-up takes what nobody needs, and nothing else."""

import os
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import bpy
import pytest

import isa_blender_addon
from isa_blender_addon.cache import measuring as sizes_of
from isa_blender_addon.cache.cleaning import cleaning
from isa_blender_addon.cache.measuring import measuring
from isa_blender_addon.language.translation import in_words
from isa_blender_addon.preferences import choices as preferences
from isa_blender_addon.preferences.folders import backgrounds_folder, takes_folder
from isa_blender_addon.session.current import session
from isa_blender_addon.takes.take import Take
from isa_engine.client.protocol import RESULTS
from isa_engine.shot import Settings

OLD = time.time() - 30 * 86_400


@pytest.fixture(autouse=True)
def own_cache(scene, tmp_path, monkeypatch, addon):
    # With other letters than ours.
    folder = tmp_path / "d'été 影"
    choices = preferences.Choices(cache=str(folder))
    monkeypatch.setattr("isa_blender_addon.preferences.folders.preferences", lambda: choices)
    return folder


def take(name: str, age: float = OLD, **changes) -> Take:
    folder = takes_folder() / "isa" / name
    folder.mkdir(parents=True)
    made = replace(Take(folder, "f" * 32, "", "Scene", (1, 3, 1), Settings(), state="done"), **changes)
    for file in RESULTS:
        (folder / file).write_bytes(b"1234")
    made.keep()
    for file in folder.iterdir():
        os.utime(file, (age, age))
    return made


def background(letter: str, age: float = OLD) -> Path:
    backgrounds_folder().mkdir(parents=True, exist_ok=True)
    file = backgrounds_folder() / f"{letter * 32}.mp4"
    file.write_bytes(b"film")
    os.utime(file, (age, age))
    return file


def clean(days: int = 7) -> set[str]:
    """What is left."""
    assert bpy.ops.isa.clean_cache(days=days) == {"FINISHED"}
    assert not cleaning.going_on
    files = (*takes_folder().rglob("*.mp4"), *backgrounds_folder().glob("*"))
    return {file.parent.name if file.name in RESULTS else file.name for file in files}


def test_what_is_old_and_nobodys_goes_with_its_folder():
    gone, young = take("gone"), take("young", age=time.time() - 3600)
    background("a")
    assert clean() == {"young"}
    assert not gone.folder.exists()
    assert cleaning.said == "Takes and backgrounds removed: 2."
    assert clean(days=0) == set()
    assert not young.folder.exists()


def test_pinned_takes_and_those_that_wait_for_an_engine_stay():
    take("pinned", pinned=True)
    # Not whole, else they would be done.
    for state in ("waiting", "sent"):
        (take(state, state=state).folder / "matte.mp4").unlink()
    take("failed", state="failed")
    assert clean() == {"pinned", "waiting", "sent"}
    assert "Pinned, shown or waiting, and kept: 3." in cleaning.said


def test_a_take_that_was_pinned_a_moment_ago_stays(own_cache):
    """On disk it is not pinned yet."""
    made = take("mine")
    session().queue.attach([replace(made, pinned=True)])
    assert clean() == {"mine"}


def test_what_the_open_file_shows_stays(scene):
    scene.isa.last_results = str(take("shown").folder)
    scene.isa.other_results = str(take("compared").folder)
    image = bpy.data.images.new("film", 1, 1)
    image.source, image.filepath = "MOVIE", str(background("b"))
    take("gone")
    assert clean() == {"shown", "compared", "b" * 32 + ".mp4"}


def test_the_pictures_of_demos_that_were_never_saved_go_but_for_the_casts(scene):
    for name in ("demo-reference.png", "demo-reference-2.png", "holiday.png"):
        picture = takes_folder() / "isa" / name
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_bytes(b"picture")
        os.utime(picture, (OLD, OLD))
    scene.isa.cast.add().picture = str(takes_folder() / "isa" / "demo-reference-2.png")
    clean()
    left = {file.name for file in (takes_folder() / "isa").iterdir()}
    assert left == {"demo-reference-2.png", "holiday.png"}


def test_what_a_saved_file_shows_stays_until_it_is_saved_without_it(scene, tmp_path):
    """Through another plate than ours, too: somebody's material."""
    made = take("shown")
    image = bpy.data.images.new("film", 1, 1)
    image.source, image.filepath = "MOVIE", str(made.folder / "plate.mp4")
    image.use_fake_user = True
    blend = str(tmp_path / "käse 'n\" wine.blend")
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert clean() == {"shown"}
    bpy.ops.wm.open_mainfile(filepath=blend)
    bpy.data.images.remove(bpy.data.images["film"])
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert clean() == set()


def test_only_what_the_add_on_has_made_goes(own_cache):
    """Where the artist keeps other things in the same folder, or takes of a saved file."""
    made = take("gone")
    (made.folder / "notes.txt").write_text("mine")
    (background("c").parent / "holiday.mp4").write_text("mine")
    (takes_folder() / "plate.mp4").write_text("mine")
    take("of-a-file", blend="dance.blend")
    take("broken").folder.joinpath("take.json").write_text("{")
    os.utime(takes_folder() / "isa" / "broken" / "take.json", (OLD, OLD))
    clean()
    left = {str(file.relative_to(own_cache)) for file in own_cache.rglob("*") if file.is_file()}
    assert {"takes/isa/gone/notes.txt", "backgrounds/holiday.mp4", "takes/plate.mp4"} <= left
    assert {"takes/isa/of-a-file/plate.mp4", "takes/isa/broken/plate.mp4"} <= left
    assert not [name for name in left if name.endswith("gone/plate.mp4") or "cccc" in name]


def test_disabling_the_add_on_leaves_off_and_it_can_be_begun_again():
    cleaning.begin(days=1)
    assert not bpy.ops.isa.clean_cache.poll()
    isa_blender_addon.unregister()
    isa_blender_addon.register()
    assert bpy.ops.isa.clean_cache.poll()


def test_sizes_are_measured_beside_the_main_thread(monkeypatch):
    take("one")
    background("d")
    measure, waiting = sizes_of._measure, []
    monkeypatch.setattr(sizes_of, "_measure", lambda *folders: waiting[0].wait(60) and measure(*folders))
    waiting.append(threading.Event())
    assert measuring.sizes() is None
    assert measuring.going_on
    waiting[0].set()
    while (sizes := measuring.sizes()) is None:
        pass
    assert sizes.backgrounds == 4
    assert sizes.takes == sum(file.stat().st_size for file in takes_folder().rglob("*.*"))


def test_the_preferences_show_the_cache_and_its_broom():
    background("e")
    layout = MagicMock()
    layout.row.return_value = layout
    chosen = SimpleNamespace(layout=layout, engine="LOCAL")
    while measuring.sizes() is None:
        pass
    preferences.Preferences.draw(chosen, None)
    words = [call.kwargs["text"] for call in layout.label.call_args_list]
    assert words[0] == "Takes of unsaved files: 0 KB. Backgrounds: 0 KB."
    layout.operator.assert_called_with("isa.clean_cache", icon="BRUSH_DATA")
    assert [in_words(size) for size in (20_000, 3_400_000, 12_300_000_000)] == ["20 KB", "3 MB", "12.3 GB"]
