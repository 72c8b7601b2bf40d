"""A background is kept until something that it shows has changed, and only whole."""

import errno
import os
from dataclasses import replace

import bpy
import pytest

from isa_blender_addon.background import begin, work
from isa_blender_addon.preferences.folders import backgrounds_folder
from isa_blender_addon.settings.shot import generation_settings
from isa_engine.errors import SceneError
from tests.addon.background.making import leftovers, made, painted, shot_of, steered_by_depth
from tests.addon.plates import write_movie
from tests.full_disk import room_for

pytestmark = pytest.mark.usefixtures("addon")


def test_it_is_kept_for_the_same_camera_until_the_artist_wants_another(staged, started):
    scene = staged
    scene.isa.background = "RENDER"

    def at_once() -> bool:
        started.clear()
        assert begin(scene, shot_of(scene), 1.0).poll() == b"movie"
        return not started

    assert not at_once()
    assert at_once()
    bpy.ops.ed.undo_push(message="staged")
    assert bpy.ops.isa.renew_background() == {"FINISHED"}
    bpy.ops.ed.undo_push(message="renewed")
    assert not at_once()
    bpy.ops.ed.undo()
    scene = bpy.context.scene
    assert at_once()
    scene.camera.data.lens = 30
    assert not at_once()

    # Her shadow moves as she does.
    scene.objects["Anna"].delta_location.x += 0.1
    assert not at_once()
    scene.isa.background_shadows = False
    assert not at_once()
    scene.objects["Anna"].delta_location.x += 0.1
    assert at_once()
    assert leftovers() == []


def test_it_is_kept_and_renewed_with_the_pictures_and_made_for_depth_alone(staged, started):
    scene = staged
    scene.isa.background = "RENDER"
    steered = steered_by_depth(scene)
    for shot, wanted in ((steered, True), (replace(steered, settings=generation_settings(scene)), False)):
        for again in (False, True):
            started.clear()
            movie, depth = made(scene, shot)
            assert movie == b"movie"
            assert (depth is not None) == wanted
            assert [job.depth for job in started] == ([] if again else [wanted])
    (kept,) = backgrounds_folder().glob("*.npy")
    kept.unlink()
    assert made(scene, steered)[1] is not None
    assert [job.depth for job in started] == [True]
    assert bpy.ops.isa.renew_background() == {"FINISHED"}
    assert made(scene, steered)[1] is not None
    assert len(started) == 2
    assert leftovers() == []


def test_a_cache_on_another_drive_that_is_full_keeps_no_half_of_it(staged, tmp_path, monkeypatch):
    write_movie(tmp_path / "footage.mp4", 9, 64, 64)
    staged.isa.background = "FOOTAGE"
    staged.isa.footage = bpy.data.images.load(str(tmp_path / "footage.mp4"))

    def other_drive(*_, **__):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    shot = shot_of(staged)
    with monkeypatch.context() as patch:
        patch.setattr(work.shutil.os, "rename", other_drive)
        now = begin(staged, shot, 1.0)
        assert now._process.wait(100) == 0
        with room_for(1500), pytest.raises(SceneError, match=r"background cannot be kept.*Free some space"):
            now.poll()
        now.close()
        assert list(backgrounds_folder().iterdir()) == []
        assert painted(staged, shot).std() > 10
