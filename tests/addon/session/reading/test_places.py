"""What would keep a take from its place or its footage is said before *Generate*, and until it is mended."""

from types import SimpleNamespace

import bpy
import pytest

from isa_blender_addon.preferences.choices import Choices
from isa_blender_addon.session.current import session
from isa_blender_addon.session.reading import places
from isa_blender_addon.session.reading.places import closed_place
from isa_blender_addon.settings.cast import refresh_cast
from isa_blender_addon.ui.messages import messages
from isa_engine.out_folder import why_closed
from tests.addon.plates import write_movie
from tests.addon.scenes.cast import stage


@pytest.fixture
def staged(scene, addon, tmp_path, monkeypatch):
    """All is well: a saved file with footage behind Anna, and a cache of its own."""
    choices = Choices(cache=str(tmp_path / "cache"))
    for module in ("preferences.folders", "session.reading.places"):
        monkeypatch.setattr(f"isa_blender_addon.{module}.preferences", lambda: choices)
    stage(scene, frames=3)
    refresh_cast(scene)
    write_movie(tmp_path / "street.mp4", 3, 32, 32)
    scene.isa.footage, scene.isa.background = bpy.data.images.load(str(tmp_path / "street.mp4")), "FOOTAGE"
    (tmp_path / "file").touch()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    return SimpleNamespace(scene=scene, choices=choices, folder=tmp_path)


def no_output(staged) -> None:
    staged.scene.isa.folder = str(staged.folder / "file" / "takes")


def too_long(staged) -> None:
    staged.scene.isa.folder = "//" + "long" * 99


def no_cache(staged) -> None:
    staged.choices.cache = str(staged.folder / "file")


def no_footage(staged) -> None:
    staged.scene.isa.footage = None


def footage_gone(staged) -> None:
    staged.scene.isa.footage.filepath = str(staged.folder / "gone.mp4")


def footage_a_folder(staged) -> None:
    staged.scene.isa.footage.filepath = str(staged.folder)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (no_output, "is a file. Choose another one in the ISA tab, under Look."),
        (too_long, "too long. Choose another one in the ISA tab, under Look."),
        (no_cache, "is a file. Choose another one in the add-on's preferences."),
        (no_footage, "o footage is chosen for the background. Open it under Background."),
        (footage_gone, "he footage is missing"),
        (footage_a_folder, "he footage is missing"),
    ],
)
def test_each_is_said_in_the_panel_as_soon_as_it_is_so_and_nothing_is_made(staged, spoil, sentence):
    there = {*staged.folder.iterdir()}
    assert closed_place(staged.scene) is None
    spoil(staged)
    assert sentence in str(closed_place(staged.scene))
    (said,) = (message for message in messages(None) if sentence in message.text)
    assert said.icon == "ERROR"
    # Whoever clicks all the same is told the same, and it is said once.
    session().fail(closed_place(staged.scene), staged.scene)
    assert [sentence in message.text for message in messages(None)].count(True) == 1
    staged.scene.isa.background, staged.scene.isa.folder = "NONE", ""
    assert closed_place(staged.scene) is None
    assert {*staged.folder.iterdir()} == there


def test_a_cache_is_asked_of_where_a_background_is_kept_in_it_alone(staged):
    no_cache(staged)
    assert closed_place(staged.scene)
    staged.scene.isa.background = "NONE"
    assert closed_place(staged.scene) is None


def test_a_drive_is_asked_once_a_second_however_often_the_panel_is_drawn(staged, monkeypatch):
    asked, clock = [], SimpleNamespace(now=1000.0)
    monkeypatch.setattr(places.time, "monotonic", lambda: clock.now)

    def ask(folder):
        asked.append(folder)
        return why_closed(folder)

    monkeypatch.setattr("isa_blender_addon.takes.folders.why_closed", ask)
    for _ in range(9):
        clock.now += 0.05
        assert closed_place(staged.scene) is None
    assert len(asked) == 1
    (staged.folder / "isa").touch()
    clock.now += 1
    assert "is a file" in str(closed_place(staged.scene))
    assert len(asked) == 2
