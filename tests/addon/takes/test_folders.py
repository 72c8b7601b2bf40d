"""Where takes are kept is where the artist means, whatever is typed, and never where Blender was started."""

import os

import bpy
import pytest

from isa_blender_addon.preferences.choices import Choices
from isa_blender_addon.takes.folders import new_take, output_folder
from isa_engine.errors import SceneError

pytestmark = pytest.mark.usefixtures("addon")


@pytest.fixture
def started(tmp_path, monkeypatch):
    """Blender was started elsewhere than files, home and cache are."""
    for name in ("shell", "home", "file", "cache"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "shell")
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path / "home"))
    choices = Choices(cache=str(tmp_path / "cache"))
    monkeypatch.setattr("isa_blender_addon.preferences.folders.preferences", lambda: choices)
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "saved", "unsaved"),
    [
        ("", "file/isa", "cache/takes/isa"),
        ("  ", "file/isa", "cache/takes/isa"),
        ("//", "file", "cache/takes"),
        ("//a/b", "file/a/b", "cache/takes/a/b"),
        ("a/b", "file/a/b", "cache/takes/a/b"),
        ("~/a", "home/a", "home/a"),
    ],
)
def test_takes_lie_beside_the_file_or_in_the_cache(scene, started, typed, saved, unsaved):
    scene.isa.folder = typed
    assert output_folder(scene) == started / unsaved
    assert new_take(scene).parent == started / unsaved
    bpy.ops.wm.save_as_mainfile(filepath=str(started / "file" / "shot.blend"))
    assert output_folder(scene) == started / saved
    assert new_take(scene).parent == started / saved
    assert os.listdir(started / "shell") == []


def test_a_folder_that_cannot_be_written_is_said_with_where_another_is_chosen(scene, started):
    (started / "file" / "isa").touch()
    (started / "cache" / "takes").touch()
    with pytest.raises(SceneError, match=r"is a file\. Save the file, or choose another cache folder"):
        new_take(scene)
    bpy.ops.wm.save_as_mainfile(filepath=str(started / "file" / "shot.blend"))
    with pytest.raises(SceneError, match=r"is a file\. Choose another one in the ISA tab, under Look"):
        new_take(scene)
