"""The scene without its cast, frame by frame as the shot has it."""

from dataclasses import replace
from pathlib import Path

import av
import bpy
import numpy as np
import pytest
from PIL import Image

from isa_blender_addon.background.program.make import make
from isa_blender_addon.background.recipe import recipe_of
from isa_blender_addon.background.source import hidden_objects
from isa_blender_addon.preferences.folders import backgrounds_folder
from isa_blender_addon.settings.shot import generation_settings
from tests.addon.background.making import leftovers, painted, scaled, shot_of
from tests.addon.plates import psnr, render
from tests.addon.scenes.cast import add_person
from tests.addon.scenes.shot import capture_shot
from tests.addon.scenes.snapshot import snapshot
from tests.movies import read_video

pytestmark = pytest.mark.usefixtures("addon")


def test_the_scene_is_rendered_without_its_cast_at_the_shots_frames(staged, tmp_path):
    scene = staged
    scene.isa.background = "RENDER"
    shot = shot_of(scene)
    before, dirty = snapshot(), bpy.data.is_dirty
    frames = painted(scene, shot)
    assert (snapshot(), bpy.data.is_dirty) == (before, dirty)
    assert leftovers() == []
    (kept,) = backgrounds_folder().glob("*.mp4")
    with av.open(str(kept)) as movie:
        assert "date" not in movie.metadata

    # By hand: Anna hidden, the canvas filled.
    with_her = render(scene, 1, tmp_path)
    for item in scene.objects:
        item.hide_render = item.hide_render or item.name == "Anna" or item.parent is not None
    scene.render.resolution_x, scene.render.resolution_y = shot.settings.width, shot.settings.height
    scene.render.pixel_aspect_x = max(96 / shot.settings.width / (64 / shot.settings.height), 1)
    scene.render.pixel_aspect_y = max(64 / shot.settings.height / (96 / shot.settings.width), 1)
    expected = [render(scene, int(frame), tmp_path) for frame in shot.frame_numbers]
    for index, frame in enumerate(frames):
        scores = [psnr(frame, other) for other in expected]
        assert np.argmax(scores) == index
        assert scores[index] > 26
    assert with_her.shape == (64, 96, 3)
    # The middle of each patch, away from edges that are smoothed and blurred.
    flat = (
        np.ptp(np.stack([np.roll(expected[0], s, (0, 1)) for s in [(0, 0), (4, 4), (-4, -4)]]), 0).max(-1)
        == 0
    )
    assert flat.sum() > 50
    # H.264 halves the colours' resolution, and the denoiser smooths.
    assert np.percentile(np.abs(frames[0].astype(int) - expected[0])[flat], 95) <= 4


@pytest.mark.parametrize("scale", [1, 3])
@pytest.mark.parametrize("size", [(400, 224), (568, 320), (128, 232)])
def test_a_movie_shows_the_rendered_pictures_pixel_for_pixel(staged, monkeypatch, tmp_path, size, scale):
    """Canvases of a camera's frame of 16 to 9, and upright, which are not quite of its shape; and plates of
    more pixels."""
    wide = size[0] > size[1]
    staged.render.resolution_x, staged.render.resolution_y = (1920, 1080) if wide else (1080, 1920)
    staged.isa.background = "RENDER"
    shot = capture_shot(staged, replace(generation_settings(staged), width=size[0], height=size[1]))
    recipe = recipe_of(staged, scaled(shot, scale), tmp_path, metre=1.0)
    size = scale * size[0], scale * size[1]
    # One column black, one white: what is shifted or stretched by a part of a pixel is grey somewhere.
    lines = np.zeros((size[1], size[0], 3), np.uint8)
    lines[:, ::2] = 255
    Image.fromarray(lines).save(tmp_path / "00000.png")
    monkeypatch.setattr(
        "isa_blender_addon.background.program.make.render", lambda _: [str(tmp_path / "00000.png")]
    )
    make(recipe)
    (frame,) = read_video(Path(recipe.out).read_bytes(), 1, size)
    assert psnr(frame, lines) > 35


def test_linked_people_are_taken_out_wherever_the_copy_lies_that_is_rendered(staged, tmp_path):
    """Blender names a library as seen from the file, and the copy is in another folder."""
    anna = staged.objects["Anna"]
    people = bpy.data.collections.new("People")
    for item in (anna, *anna.children):
        people.objects.link(item)
    bpy.data.libraries.write(str(tmp_path / "people.blend"), {people})
    for item in people.objects[:]:
        bpy.data.objects.remove(item)
    bpy.data.collections.remove(people)
    staged.frame_end, staged.isa.background = 1, "RENDER"
    (tmp_path / "shots").mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shots" / "shot.blend"))
    scene = bpy.context.scene
    empty = render(scene, 1, tmp_path).astype(int)
    with bpy.data.libraries.load(str(tmp_path / "people.blend"), link=True, relative=True) as (_, target):
        target.collections = ["People"]
    scene.collection.children.link(target.collections[0])
    assert bpy.data.libraries[0].filepath == "//../people.blend"
    bpy.context.view_layer.update()
    with_her = render(scene, 1, tmp_path).astype(int)
    hers = np.abs(with_her - empty).max(-1) > 100
    assert hers.sum() > 20
    (frame,) = painted(scene)
    seen = np.array(Image.fromarray(frame.astype(np.uint8)).resize((96, 64))).astype(int)
    red = seen[..., 0] - seen[..., 1:].max(-1)
    assert np.mean(red[hers] > 60) < 0.02


def test_those_who_are_generated_are_hidden_with_what_they_wear_and_hold(staged):
    scene = staged
    add_person("Extra")
    anna = scene.objects["Anna"]
    hat, shirt = (bpy.data.objects.new(name, bpy.data.meshes.new(name)) for name in ("Hat", "Shirt"))
    for item in (hat, shirt):
        scene.collection.objects.link(item)
    hat.parent = anna.children[0]
    shirt.modifiers.new("skin", "ARMATURE").object = anna
    scene.objects["Extra"]["isa_cast"] = False
    hidden, unseen = hidden_objects(scene)
    assert hidden == []
    names = {item.name for item in unseen}
    assert {"Anna", "Hat", "Shirt", anna.children[0].name} <= names
    assert not any(name.startswith(("Extra", "Plane", "Camera")) for name in names)

    # Without their shadows, or for a renderer that shows to the camera whoever is there, they are hidden.
    for settings in ({"background_shadows": False}, {"background_quick": False}):
        scene.isa.background_shadows = scene.isa.background_quick = True
        scene.render.engine = "BLENDER_WORKBENCH"
        for name, value in settings.items():
            setattr(scene.isa, name, value)
        assert hidden_objects(scene) == (unseen, [])


def test_the_cast_throws_shadows_on_the_background_that_does_not_show_it(staged):
    scene = staged
    for item in [item for item in scene.objects if item.name.startswith("Plane")]:
        bpy.data.objects.remove(item)
    scene.objects["Anna"].children[0].data.materials.clear()
    scene.frame_end = 1
    bpy.ops.mesh.primitive_plane_add(size=30, location=(0, 0, -1.2))
    sun = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
    scene.collection.objects.link(sun)
    sun.data.energy, sun.rotation_euler = 3.0, (0.9, 0, 0.6)
    scene.isa.background = "RENDER"
    shaded = painted(scene).astype(int)
    scene.isa.background_shadows = False
    clear = painted(scene).astype(int)
    darker = (clear - shaded).mean(-1)
    share = (darker > 25).mean()
    assert 0.002 < share < 0.1
    # Nothing stands in the light: she would be brighter than the black behind her.
    assert (abs(darker) < 8).mean() > 0.95
    assert (darker < -25).mean() < 0.002
