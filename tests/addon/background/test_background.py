"""What stands behind the people: the scene without them, or footage, frame by frame as the shot has it."""

import errno
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import av
import bpy
import numpy as np
import pytest

from isa_blender_addon.background import begin, work
from isa_blender_addon.background.paint import encode
from isa_blender_addon.background.source import hidden_objects
from isa_blender_addon.headless import generate as batch
from isa_blender_addon.preferences.folders import backgrounds_folder
from isa_blender_addon.session.current import close, session
from isa_blender_addon.session.session import Session
from isa_blender_addon.settings.cast import refresh_cast
from isa_blender_addon.settings.shot import generation_settings
from isa_engine.controls import depth_pictures
from isa_engine.controls.depth import nearest
from isa_engine.controls.surfaces import see, surface_of
from isa_engine.errors import Cancelled, SceneError
from isa_engine.shot import validate
from tests.addon.plates import psnr, render, write_movie
from tests.addon.scene.test_units import enlarge
from tests.addon.scenes.cast import add_person, stage
from tests.addon.scenes.shot import capture_shot
from tests.addon.scenes.snapshot import snapshot
from tests.controls.people import met, rays
from tests.movies import read_video
from tests.service.running import eventually, room_for

pytestmark = pytest.mark.usefixtures("addon")


@pytest.fixture
def staged(scene, tmp_path, monkeypatch):
    """Anna shines red before a wall that a moving camera passes; cache and temporary files are ours."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    anna = stage(scene, frames=5)
    scene.frame_step = 2
    scene.view_settings.view_transform = "AgX"
    scene.render.resolution_x, scene.render.resolution_y = 96, 64
    (body,) = anna.children
    _shine(body, (1, 0, 0))
    for index, colour in enumerate(np.random.default_rng(0).uniform(0.1, 0.6, (12, 3))):
        bpy.ops.mesh.primitive_plane_add(
            size=1.5,
            location=((index % 4 - 1.5) * 1.5, 2, (index // 4 - 1) * 1.5),
            rotation=(np.pi / 2, 0, 0),
        )
        _shine(bpy.context.object, colour)
    refresh_cast(scene)
    return scene


def _shine(item, colour) -> None:
    material = bpy.data.materials.new("light")
    material.use_nodes = True
    nodes = material.node_tree.nodes
    nodes.clear()
    light, out = nodes.new("ShaderNodeEmission"), nodes.new("ShaderNodeOutputMaterial")
    light.inputs["Color"].default_value = (*colour, 1)
    material.node_tree.links.new(light.outputs[0], out.inputs[0])
    item.data.materials.clear()
    item.data.materials.append(material)


def shot_of(scene):
    return capture_shot(scene, generation_settings(scene))


def painted(scene, shot=None) -> np.ndarray:
    """The background's frames on the canvas."""
    shot = shot or shot_of(scene)
    movie, _ = made(scene, shot)
    return read_video(movie, shot.frames, (shot.settings.width, shot.settings.height))


def made(scene, shot, metre=1.0) -> tuple[bytes, np.ndarray | None]:
    """The background's movie, and its depth."""
    work = begin(scene, shot, metre)
    try:
        return eventually(work.poll, "the background is painted"), work.depth
    finally:
        work.close()


def leftovers() -> list[str]:
    return [name for name in os.listdir(tempfile.gettempdir()) if name.startswith("isa-background")]


def test_the_scene_is_rendered_without_its_cast_at_the_shots_frames(staged, tmp_path):
    scene = staged
    scene.isa.background = "RENDER"
    shot = shot_of(scene)
    before, dirty = snapshot(), bpy.data.is_dirty
    frames = painted(scene, shot)
    assert (snapshot(), bpy.data.is_dirty) == (before, dirty)
    assert leftovers() == []
    (kept,) = backgrounds_folder().iterdir()
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


@pytest.fixture
def started(monkeypatch) -> list:
    """The jobs of all backgrounds that are begun, each of which is there at once."""
    jobs = []

    def start(work, job):
        # Instead of minutes of rendering.
        jobs.append(job)
        work._kept.parent.mkdir(parents=True, exist_ok=True)
        work._kept.write_bytes(b"movie")
        if job.depth:
            np.save(work._kept.with_suffix(".npy"), np.ones((1, 32, 48), np.float16))

    monkeypatch.setattr("isa_blender_addon.background.work.Work._start", start)
    return jobs


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


def steered_by_depth(scene):
    """A shot on a small canvas."""
    settings = replace(generation_settings(scene), steering="depth", width=48, height=32)
    return capture_shot(scene, settings)


@pytest.mark.parametrize("moving", [True, False])
def test_how_far_away_the_set_is_comes_along_with_the_same_pictures(staged, moving):
    scene = staged
    for item in [item for item in scene.objects if item.name.startswith("Plane")]:
        bpy.data.objects.remove(item)
    bpy.ops.mesh.primitive_plane_add(size=14, location=(0, 2, -1.2))
    ground = bpy.context.object
    bpy.ops.mesh.primitive_cube_add(size=0.8, location=(-0.7, -1, 0.1), rotation=(0.3, 0.2, 0.5))
    things, camera = (ground, bpy.context.object), scene.camera
    # All is as bright as it shines.
    scene.objects["Anna"].children[0].data.materials.clear()
    for thing, colour in zip(things, ((0.1, 0.3, 0.1), (0.5, 0.4, 0.2)), strict=True):
        _shine(thing, colour)
    camera.rotation_euler.x = 1.45
    if not moving:
        camera.animation_data_clear()
    scene.isa.background = "RENDER"
    shot = steered_by_depth(scene)
    plain = replace(shot, settings=replace(shot.settings, steering="pose"))
    pictures, nothing = made(scene, plain)
    assert nothing is None
    movie, depth = made(scene, shot, metre=2.0)
    # Any two renders of a scene may differ by a few levels here and there, also without depth.
    found, wanted = (read_video(each, 3, (48, 32)).astype(int) for each in (movie, pictures))
    assert np.abs(found - wanted).mean() < 0.5
    assert wanted.std() > 20
    assert (depth.dtype, depth.shape) == (np.float16, (3 if moving else 1, 32, 48))

    # By rays, past Anna, who stands partly behind the cube; in the scene's units.
    expected = np.array([_met_by_rays(shot, frame, things) for frame in range(len(depth))])
    there = np.isfinite(expected)
    assert 0.2 < there.mean() < 0.9
    assert (np.isfinite(depth) != there).mean() < 0.005
    both = there & np.isfinite(depth)
    # Half floats have eleven bits; rays along an edge may go either way.
    wrong = np.abs(depth[both] / (2 * expected[both]) - 1) > 1e-3
    assert wrong.mean() < 0.005

    # In the control the cast stands before the set, and behind the cube it does not.
    whole = validate(replace(shot, background=movie, background_depth=(depth / 2).astype(np.float16)))
    picture = next(depth_pictures(whole, (48, 32)))
    cast = see(surface_of(shot, 0), shot.mvp[0], (48, 32)).depth
    assert (cast < expected[0]).sum() > 20
    assert ((expected[0] < cast) & np.isfinite(cast)).sum() > 4
    seen = np.minimum(cast, whole.background_depth[0].astype(float))
    assert np.abs(picture[..., 0] - 255 * nearest(whole) / seen).max() <= 0.5


def _met_by_rays(shot, frame: int, things) -> np.ndarray:
    """How far ahead what is there is met in each pixel of the canvas."""
    origin, way = rays(shot, frame, (shot.settings.width, shot.settings.height))
    depth = np.full(way.shape[:2], np.inf)
    for thing in things:
        corners = np.array([thing.matrix_world @ vertex.co for vertex in thing.data.vertices])
        for face in thing.data.polygons:
            a, b, c, d = corners[list(face.vertices)]
            for triangle in ((a, b, c), (a, c, d)):
                depth = np.minimum(depth, met(origin, way, np.array(triangle)))
    return depth


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


@pytest.mark.parametrize("kind", ["movie", "sequence", "picture"])
def test_footage_is_cut_to_the_shots_frames(staged, tmp_path, kind):
    scene = staged
    scene.isa.background, scene.isa.footage_start = "FOOTAGE", -1
    source = write_movie(tmp_path / "footage.mp4", 9, 64, 64)
    if kind == "movie":
        scene.isa.footage = bpy.data.images.load(str(tmp_path / "footage.mp4"))
    else:
        for index, frame in enumerate(source):
            _save(frame, tmp_path / f"footage {index + 8:03}.png")
        scene.isa.footage = bpy.data.images.load(str(tmp_path / "footage 008.png"))
        scene.isa.footage.source = "SEQUENCE" if kind == "sequence" else "FILE"
    frames = painted(scene)
    expected = [source[0]] * 3 if kind == "picture" else [source[2], source[4], source[6]]
    width = frames.shape[2] // 2
    for found, wanted in zip(frames, expected, strict=True):
        # Cut above and below to fill the frame.
        crop = wanted[32 - 64 * 64 // 96 // 2 : 32 + 64 * 64 // 96 // 2]
        assert psnr(found.mean((0, 1)), crop.mean((0, 1))) > 30
        assert psnr(found[:, :width].mean((0, 1)), crop[:, :32].mean((0, 1))) > 30
    assert leftovers() == []


def _save(frame: np.ndarray, path: Path) -> None:
    image = bpy.data.images.new("frame", frame.shape[1], frame.shape[0])
    pixels = np.concatenate([frame[::-1] / 255, np.ones((*frame.shape[:2], 1))], -1)
    image.pixels.foreach_set(pixels.astype(np.float32).ravel())
    image.filepath_raw, image.file_format = str(path), "PNG"
    image.save()
    bpy.data.images.remove(image)


def nothing_chosen(scene, _folder):
    scene.isa.footage = None


def gone(_scene, folder):
    (folder / "footage.mp4").unlink()


def too_short(scene, _folder):
    scene.frame_end = 30


def begins_late(scene, _folder):
    scene.isa.footage_start = 3


def made_in_blender(scene, _folder):
    scene.isa.footage = bpy.data.images.new("Generated", 8, 8)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (nothing_chosen, "no footage is chosen"),
        (gone, "footage is missing"),
        (too_short, r"footage\.mp4: the footage lasts from frame 1 to 9, the shot from 1 to 29"),
        (begins_late, "lasts from frame 3 to 11, the shot from 1 to 5"),
        (made_in_blender, "no movie and no picture file"),
    ],
)
def test_footage_that_cannot_be_used_is_said_before_anything_begins(staged, tmp_path, spoil, sentence):
    scene = staged
    write_movie(tmp_path / "footage.mp4", 9, 64, 64)
    scene.isa.background = "FOOTAGE"
    scene.isa.footage = bpy.data.images.load(str(tmp_path / "footage.mp4"))
    spoil(scene, tmp_path)
    with pytest.raises(RuntimeError, match=sentence):
        bpy.ops.isa.generate()
    assert not session().busy
    assert leftovers() == []


def test_footage_that_breaks_under_way_is_said_and_leaves_nothing(staged, tmp_path, monkeypatch):
    scene = staged
    write_movie(tmp_path / "footage.mp4", 9, 64, 64)
    scene.isa.background = "FOOTAGE"
    scene.isa.footage = bpy.data.images.load(str(tmp_path / "footage.mp4"))
    assert scene.isa.footage.frame_duration == 9
    shot = shot_of(scene)
    (tmp_path / "footage.mp4").write_bytes(b"no movie any more")
    monkeypatch.setattr("isa_blender_addon.background.work.footage_numbers", lambda *_: [0, 2, 4])
    with pytest.raises(SceneError, match="background cannot be made"):
        painted(scene, shot)
    assert leftovers() == []


def test_generate_sends_it_and_escape_ends_it(staged, tmp_path, monkeypatch):
    scene, sent = staged, []
    scene.isa.background = "RENDER"
    monkeypatch.setattr(Session, "start_engine", lambda self: None)
    monkeypatch.setattr(Session, "submit", lambda self, _scene, shot, _take: sent.append(shot))
    reading = session().generate(scene)
    eventually(lambda: reading.step() and reading.progress[0] == "background", "it is painted")
    process = reading._background._process
    assert process.poll() is None
    before = snapshot()
    reading.close()
    assert process.poll() is not None
    assert not session().busy
    assert (leftovers(), snapshot()) == ([], before)

    write_movie(tmp_path / "footage.mp4", 9, 64, 64)
    scene.isa.background = "FOOTAGE"
    scene.isa.footage = bpy.data.images.load(str(tmp_path / "footage.mp4"))
    reading = session().generate(scene, anyway=True)
    while reading.step():
        pass
    (shot,) = sent
    assert len(read_video(shot.background, 3, (64, 64))) == 3
    close()


def test_depth_goes_with_the_shot_and_is_told_the_scenes_unit(staged, monkeypatch):
    scene, jobs, sent = staged, [], []

    def start(work, job):
        jobs.append(job)
        work._kept.parent.mkdir(parents=True, exist_ok=True)
        work._kept.write_bytes(b"movie")
        np.save(work._kept.with_suffix(".npy"), np.full((1, 32, 48), 3, np.float16))

    def settings(scene):
        return replace(generation_settings(scene), steering="depth", width=48, height=32)

    monkeypatch.setattr("isa_blender_addon.background.work.Work._start", start)
    monkeypatch.setattr("isa_blender_addon.session.reading.generation_settings", settings)
    monkeypatch.setattr(Session, "start_engine", lambda self: None)
    monkeypatch.setattr(Session, "submit", lambda self, _scene, shot, _take: sent.append(shot))
    enlarge(scene, 100)
    scene.unit_settings.scale_length = 0.01
    scene.isa.background = "RENDER"
    reading = session().generate(scene, anyway=True)
    while reading.step():
        pass
    assert [(job.depth, job.metre) for job in jobs] == [(True, pytest.approx(0.01))]
    assert (sent[0].background, sent[0].background_depth.shape) == (b"movie", (1, 32, 48))
    assert (sent[0].background_depth == 3).all()
    close()


def test_a_farms_command_that_is_stopped_leaves_nothing(staged):
    staged.isa.background = "RENDER"
    reading = session().read(staged, lambda _: "")
    stop = SimpleNamespace(is_set=lambda: reading.progress[0] == "background")
    with pytest.raises(Cancelled):
        batch.follow_reading(reading, stop)
    close()
    assert leftovers() == []


def test_a_movie_is_made_without_a_word_to_the_preferences(tmp_path):
    """Blender removes the wheels of extensions that are not enabled; by the factory's, none is."""
    write_movie(tmp_path / "footage.mp4", 3, 64, 64)
    inputs = bpy.context.preferences.inputs
    inputs.use_emulate_numpad = True
    try:
        job = {"size": (64, 64), "frame_shape": (64.0, 64.0), "out": str(tmp_path / "out.mp4")}
        encode(job, [str(tmp_path / "footage.mp4")], range(3))
        assert bpy.context.preferences.inputs.use_emulate_numpad
        assert (tmp_path / "out.mp4").stat().st_size
    finally:
        bpy.context.preferences.inputs.use_emulate_numpad = False


@pytest.mark.parametrize(("kind", "spoiled"), [("RENDER", r"00000\.png"), ("FOOTAGE", r"background\.mp4")])
def test_what_a_full_disk_cuts_short_is_said_and_not_kept(staged, tmp_path, monkeypatch, kind, spoiled):
    """Blender itself says nothing where no more of a file can be written."""
    write_movie(tmp_path / "footage.mp4", 9, 64, 64)
    staged.isa.background = kind
    staged.isa.footage = bpy.data.images.load(str(tmp_path / "footage.mp4"))
    paint = work._blender()
    with monkeypatch.context() as patch:
        patch.setattr(work, "_blender", lambda: ["prlimit", "--fsize=1500", *paint])
        with pytest.raises(SceneError, match=f"cannot be made: .*want of space: .*{spoiled}"):
            painted(staged)
    assert not list(backgrounds_folder().glob("*.mp4"))
    assert painted(staged).std() > 10


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


def test_a_disk_that_is_full_at_the_beginning_is_said(staged, monkeypatch):
    staged.isa.background = "RENDER"
    shot = shot_of(staged)
    with room_for(10), pytest.raises(SceneError, match=r"cannot be begun: [^:]*\. Free some space in /"):
        begin(staged, shot, 1.0)
    assert leftovers() == []
