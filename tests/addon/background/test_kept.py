"""A background is kept until something that it shows has changed, and only whole."""

import errno
import os
import shutil
from dataclasses import replace

import bpy
import numpy as np
import pytest

from isa_blender_addon.background import begin, making
from isa_blender_addon.plate import import_plate
from isa_blender_addon.preferences.folders import backgrounds_folder
from isa_blender_addon.scene.animation import moving
from isa_engine.errors import SceneError
from tests.addon.background.making import leftovers, made, painted, scaled, shot_of, steered_by_depth
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


def test_a_cache_that_cannot_be_written_is_said_before_anything_is_rendered(staged, started):
    staged.isa.background = "RENDER"
    assert begin(staged, shot_of(staged), 1.0).poll() == b"movie"
    folder = backgrounds_folder()
    shutil.rmtree(folder)
    folder.touch()
    started.clear()
    with pytest.raises(SceneError, match=r"no background can be kept .* is a file\. Choose another one in"):
        begin(staged, shot_of(staged), 1.0)
    assert not started
    assert leftovers() == []


def _wall(scene):
    return scene.objects["Plane"]


def _move(scene) -> None:
    _wall(scene).location.x += 0.01


def _dent(scene) -> None:
    _wall(scene).data.vertices[0].co.z += 0.01


def _colour(scene) -> None:
    nodes = _wall(scene).active_material.node_tree.nodes
    next(node for node in nodes if node.type == "EMISSION").inputs["Color"].default_value[0] += 0.01


def _animate(scene) -> None:
    _wall(scene).keyframe_insert("location", frame=3)


def _key_elsewhere(scene) -> None:
    (curve, *_) = moving(scene.objects["Plane.001"])
    curve.keyframe_points[-1].co.y += 0.5


def _hide(scene) -> None:
    _wall(scene).hide_render = True


def _hide_collection(scene) -> None:
    layer = scene.view_layers[0].layer_collection
    layer.children["Things"].exclude = True


def _bevel(scene) -> None:
    _wall(scene).modifiers["Bevel"].width += 0.1


def _add(scene) -> None:
    bpy.ops.object.light_add()


def _repaint(scene) -> None:
    path = bpy.path.abspath(bpy.data.images["paper"].filepath)
    os.utime(path, ns=(0, 0))


CHANGES = {
    "moved": _move,
    "dented": _dent,
    "coloured": _colour,
    "animated": _animate,
    "keyed": _key_elsewhere,
    "hidden": _hide,
    "a collection is hidden": _hide_collection,
    "modified": _bevel,
    "joined by a lamp": _add,
    "papered": _repaint,
    "lit by the world": lambda scene: setattr(scene.world, "color", (0.1, 0.2, 0.3)),
    "exposed": lambda scene: setattr(scene.view_settings, "exposure", 1.0),
    "given a property": lambda scene: _wall(scene).__setitem__("height", 2.0),
}


@pytest.fixture
def furnished(staged, tmp_path):
    """The wall's panels with a modifier, a motion, a collection and a paper; the world has a colour."""
    staged.isa.background = "RENDER"
    staged.world = bpy.data.worlds.new("World")
    _wall(staged).modifiers.new("Bevel", "BEVEL")
    mover = staged.objects["Plane.001"]
    mover.keyframe_insert("location", frame=1)
    mover.location.x += 1
    mover.keyframe_insert("location", frame=5)
    for frame, height in ((1, 0.0), (5, 1.0)):
        mover["height"] = height
        mover.keyframe_insert('["height"]', frame=frame)
    things = bpy.data.collections.new("Things")
    staged.collection.children.link(things)
    things.objects.link(staged.objects["Plane.002"])
    staged.collection.objects.unlink(staged.objects["Plane.002"])
    paper = bpy.data.images.new("paper", 4, 4)
    paper.filepath_raw, paper.file_format = str(tmp_path / "paper.png"), "PNG"
    paper.save()
    material = staged.objects["Plane.003"].active_material
    material.node_tree.nodes.new("ShaderNodeTexImage").image = paper
    staged.frame_set(1)
    return staged


@pytest.mark.parametrize("change", CHANGES)
def test_a_set_that_was_changed_is_rendered_again(furnished, started, change):
    shot = shot_of(furnished)
    made(furnished, shot)
    made(furnished, shot)
    assert len(started) == 1
    CHANGES[change](furnished)
    made(furnished, shot)
    assert len(started) == 2


def test_what_no_render_shows_makes_no_other_background(furnished, started, tmp_path):
    scene = furnished
    shot = shot_of(scene)
    made(scene, shot)
    scene.frame_set(4)
    bpy.ops.object.select_all(action="SELECT")
    bpy.context.view_layer.objects.active = _wall(scene)
    _wall(scene).show_wire = True
    scene.objects["Anna"].children[0].data.materials.clear()
    scene.render.filepath = str(tmp_path / "elsewhere")
    scene.isa.seed += 1
    # A plate on the camera.
    (tmp_path / "take").mkdir()
    write_movie(tmp_path / "take" / "plate.mp4", 5, 96, 64)
    import_plate(scene, tmp_path / "take", shot, {"PLANE", "BACKGROUND"})
    bpy.ops.ed.undo_push(message="staged")
    bpy.ops.ed.undo_push(message="more")
    bpy.ops.ed.undo()
    made(bpy.context.scene, shot)
    assert len(started) == 1


def test_the_next_blender_finds_the_background_of_the_same_file(furnished, started, tmp_path):
    file = str(tmp_path / "stage.blend")
    bpy.ops.wm.save_as_mainfile(filepath=file)
    shot = shot_of(furnished)
    made(furnished, shot)
    bpy.ops.wm.open_mainfile(filepath=file)
    made(bpy.context.scene, shot)
    assert len(started) == 1


def steered_by_pose(shot):
    return replace(shot, settings=replace(shot.settings, steering="pose"))


@pytest.mark.parametrize("first", ["depth", "pose"])
def test_what_was_rendered_serves_every_kind_of_steering(staged, started, first):
    scene = staged
    scene.isa.background = "RENDER"
    shots = [steered_by_depth(scene), steered_by_pose(steered_by_depth(scene))]
    for shot in shots if first == "depth" else reversed(shots):
        movie, depth = made(scene, shot)
        assert movie == b"movie"
        assert depth is not None
    assert [recipe.needs_depth for recipe in started] == [first == "depth"]


def test_a_plate_of_more_pixels_has_a_background_of_its_own(staged, started):
    staged.isa.background = "RENDER"
    shot = steered_by_depth(staged)
    # Its movie is that of the plate on the smaller canvas, and its depth is not.
    large = replace(shot, settings=replace(shot.settings, width=96, height=64))
    for each in (shot, scaled(shot, 2), large) * 2:
        made(staged, each)
    assert [(recipe.size, recipe.plate_scale, recipe.samples) for recipe in started] == [
        ((48, 32), 1, 16),
        # As many for a pixel of the canvas.
        ((96, 64), 2, 4),
        ((96, 64), 1, 16),
    ]


def test_depth_is_kept_and_renewed_with_the_pictures(staged, started):
    scene = staged
    scene.isa.background = "RENDER"
    steered = steered_by_depth(scene)
    assert made(scene, steered)[1] is not None
    for kept in backgrounds_folder().glob("*.npy"):
        kept.unlink()
    assert made(scene, steered)[1] is not None
    assert len(started) == 2
    assert bpy.ops.isa.renew_background() == {"FINISHED"}
    assert made(scene, steered)[1] is not None
    assert len(started) == 3
    assert leftovers() == []


def test_of_a_renderer_that_does_not_tell_depth_the_movie_is_kept_for_shots_that_need_none(
    staged, monkeypatch
):
    made_now = []

    def start(making, recipe):
        made_now.append(recipe)
        making._kept.parent.mkdir(parents=True, exist_ok=True)
        making._kept.write_bytes(b"movie")
        np.save(making._kept.with_suffix(".npy"), np.empty((0, 32, 48), np.float16))

    monkeypatch.setattr(making.Making, "_start", start)
    staged.isa.background = "RENDER"
    shot = steered_by_pose(steered_by_depth(staged))
    assert made(staged, shot) == made(staged, shot) == (b"movie", None)
    assert len(made_now) == 1
    # One that needs it is rendered anew, which fails at its first frame.
    made(staged, steered_by_depth(staged))
    assert [recipe.needs_depth for recipe in made_now] == [False, True]


def test_a_cache_on_another_drive_that_is_full_keeps_no_half_of_it(staged, tmp_path, monkeypatch):
    write_movie(tmp_path / "footage.mp4", 9, 64, 64)
    staged.isa.background = "FOOTAGE"
    staged.isa.footage = bpy.data.images.load(str(tmp_path / "footage.mp4"))

    def other_drive(*_, **__):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    shot = shot_of(staged)
    with monkeypatch.context() as patch:
        patch.setattr(making.shutil.os, "rename", other_drive)
        now = begin(staged, shot, 1.0)
        assert now._process.wait(100) == 0
        with room_for(1500), pytest.raises(SceneError, match=r"background cannot be kept.*Free some space"):
            now.poll()
        now.close()
        assert list(backgrounds_folder().iterdir()) == []
        assert painted(staged, shot).std() > 10
