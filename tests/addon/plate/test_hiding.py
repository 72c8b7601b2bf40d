"""Where generated people are laid over the render, the rigs that they were made from are not rendered."""

from fractions import Fraction

import bpy
import numpy as np
import pytest

from isa_blender_addon.plate import import_plate, troubles
from isa_blender_addon.scene.belongings import belongings
from isa_blender_addon.scene.characters import find_characters
from isa_blender_addon.scene.unseen import UNSEEN
from isa_blender_addon.settings.cast import cast_member, playing, refresh_cast
from isa_engine.results.video import write_video
from tests.addon.plates import add_camera, render, shot_of, write_movie
from tests.addon.scenes.cast import add_person

SIZE = 48


@pytest.fixture
def take(tmp_path):
    """A plate that shows nobody: its matte is black."""
    write_movie(tmp_path / "plate.mp4", 1, SIZE, SIZE)
    black = np.zeros((SIZE, SIZE, 3), np.uint8)
    write_video(tmp_path / "matte.mp4", iter([black]), Fraction(24), 1, {})
    return tmp_path


@pytest.fixture
def lit(scene, addon):
    """Ben in red, lying above a floor that his shadow falls on, seen from above."""
    ben = add_person("Ben")
    ben.rotation_euler.x = np.pi / 2
    red = bpy.data.materials.new("Red")
    red.use_nodes = True
    red.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value = (1, 0, 0, 1)
    ben.children[0].data.materials.append(red)
    bpy.ops.mesh.primitive_plane_add(size=20, location=(0, 0, -1.5))
    sun = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
    sun.rotation_euler, sun.data.energy, sun.data.angle = (0, np.pi / 4, 0), 3, 0
    scene.collection.objects.link(sun)
    camera = add_camera(scene)
    camera.location = 0, 0, 4
    scene.cycles.max_bounces = 0
    scene.render.resolution_x = scene.render.resolution_y = SIZE
    scene.view_settings.view_transform = "Standard"
    scene.isa.plate = {"COMPOSITOR"}
    refresh_cast(scene)
    return scene


def red(picture: np.ndarray) -> np.ndarray:
    return picture[..., 0].astype(int) > picture[..., 1].astype(int) + 60


def dark(picture: np.ndarray) -> np.ndarray:
    """The shadow on the floor: there is no other light."""
    return picture.max(-1) < 10


def test_the_render_has_the_casts_shadow_and_not_the_cast(lit, take):
    before = render(lit, 1, take)
    import_plate(lit, take, shot_of([1]), lit.isa.plate)
    after = render(lit, 1, take)
    assert red(before).sum() > 20
    assert not red(after).any()
    # His own shaded side is as dark as his shadow, and goes.
    assert (dark(before) & dark(after)).sum() > 20
    assert [c.name for c in find_characters(lit)] == ["Ben"]
    import_plate(lit, take, shot_of([1]), {"BACKGROUND"})
    assert np.array_equal(render(lit, 1, take), before)


def test_who_is_left_out_is_rendered_again(lit, take):
    import_plate(lit, take, shot_of([1]), lit.isa.plate)
    body = lit.objects["Ben"].children[0]
    assert not body.visible_camera
    refresh_cast(lit)
    assert [member.character.name for member in playing(lit)] == ["Ben"]
    cast_member(lit, "Ben").include = False
    assert body.visible_camera
    assert UNSEEN not in body


def test_what_the_artist_has_hidden_or_keyed_stays_as_it_is(lit, take):
    body = lit.objects["Ben"].children[0]
    hat = bpy.data.objects.new("Hat", bpy.data.meshes.new("Hat"))
    hat.parent, hat.visible_camera = lit.objects["Ben"], False
    lit.collection.objects.link(hat)
    body.keyframe_insert("visible_camera", frame=1)
    import_plate(lit, take, shot_of([1]), lit.isa.plate)
    assert hat in belongings(lit)
    assert body.visible_camera
    import_plate(lit, take, shot_of([1]), {"BACKGROUND"})
    assert not hat.visible_camera


@pytest.fixture
def library(scene, addon, take):
    """A collection with Ben, linked into a scene with a camera."""
    people = bpy.data.collections.new("People")
    ben = add_person("Ben")
    for item in (ben, *ben.children):
        people.objects.link(item)
    bpy.data.libraries.write(str(take / "people.blend"), {people})
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    with bpy.data.libraries.load(str(take / "people.blend"), link=True) as (_, target):
        target.collections = ["People"]
    add_camera(bpy.context.scene)
    return target.collections[0]


def test_somebody_of_a_library_override_still_plays_in_the_saved_file_and_comes_back(library, take):
    scene = bpy.context.scene
    library.override_hierarchy_create(scene, bpy.context.view_layer)

    def reopened():
        bpy.ops.wm.save_as_mainfile(filepath=str(take / "shot.blend"))
        bpy.ops.wm.open_mainfile(filepath=str(take / "shot.blend"))
        scene = bpy.context.scene
        (body,) = (item for item in scene.objects if item.type == "MESH" and item.override_library)
        return scene, body

    import_plate(scene, take, shot_of([1]), {"COMPOSITOR"})
    assert troubles(scene) == []
    scene, body = reopened()
    assert not body.visible_camera
    assert [character.name for character in find_characters(scene)] == ["Ben"]
    import_plate(scene, take, shot_of([1]), {"BACKGROUND"})
    assert UNSEEN not in scene
    scene, body = reopened()
    assert body.visible_camera


def test_who_is_linked_and_cannot_be_hidden_is_named(library, take):
    scene = bpy.context.scene
    scene.collection.children.link(library)
    import_plate(scene, take, shot_of([1]), {"COMPOSITOR"})
    (trouble,) = troubles(scene)
    assert trouble.startswith("Ben [people.blend]: linked, so the render shows the rig")
    import_plate(scene, take, shot_of([1]), {"BACKGROUND"})
    assert troubles(scene) == []
