"""Where the cache is: nobody else may have made the folder, or look into it."""

import os
import tempfile

import bpy
import pytest

from isa_blender_addon.preferences.choices import whole_path
from isa_blender_addon.preferences.folders import cache_folder


@pytest.fixture
def shared(scene, tmp_path, monkeypatch, addon):
    """A temporary folder that all users of a machine share, without a cache in it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    (tmp_path / "tmp").mkdir()
    return tmp_path / "tmp"


def test_the_cache_is_for_its_user_alone(shared):
    folder = cache_folder()
    assert folder.parent == shared
    folder.chmod(0o755)
    assert cache_folder() == folder
    assert folder.stat().st_mode & 0o077 == 0


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root makes folders of others")
def test_a_folder_that_another_user_made_is_not_the_cache(shared, tmp_path):
    folder = cache_folder()
    os.chown(folder, 65534, 65534)
    assert cache_folder() == tmp_path / "home" / "isa-engine" / "cache"


@pytest.mark.skipif(os.name != "posix", reason="links are for administrators there")
def test_a_link_in_its_place_is_not_the_cache(shared, tmp_path):
    folder = cache_folder()
    folder.rmdir()
    folder.symlink_to(tmp_path)
    assert cache_folder() == tmp_path / "home" / "isa-engine" / "cache"


def test_a_chosen_cache_is_one_place_for_all_files_and_wherever_blender_is_started(
    addon, tmp_path, monkeypatch
):
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    for typed, whole in (("//cache", "cache"), ("cache/", "cache"), ("~/cache", "home/cache")):
        assert whole_path(typed) == str(tmp_path / whole)
        assert whole_path(whole_path(typed)) == whole_path(typed)
    assert whole_path("") == whole_path("  ") == ""
