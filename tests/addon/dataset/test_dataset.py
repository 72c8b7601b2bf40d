"""Clips filmed by Cycles: they say of themselves what they show, come again from their seed, and go on."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import bpy
import numpy as np
import pytest
import torch

import isa_blender_addon
from isa_blender_addon import dataset
from isa_blender_addon.dataset import materials
from isa_blender_addon.dataset.command import main
from isa_blender_addon.dataset.rendering import aim, as_mask, expose, picture, prepare
from isa_blender_addon.dataset.skies import outdoor_sky
from isa_blender_addon.dataset.staging import random_staging
from isa_blender_addon.rigs.rig import add_character, apply_motion
from isa_blender_addon.scene.camera import camera_to_world, evaluated_camera, intrinsics
from isa_blender_addon.scene.picture_bytes import whole_png
from isa_engine.body import Motion, open_body
from isa_engine.data.clips.stored_clips import to_clip
from isa_engine.data.recordings.media import decode_picture
from isa_engine.data.recordings.rendered import FORMAT, read_rendered, rendered_folders
from isa_engine.data.rendering.cast import SAMPLES, Actor
from isa_engine.data.rendering.filming import film
from isa_engine.data.rendering.light import Light
from isa_engine.data.rendering.sets import Set
from isa_engine.data.scenario.split import HELD_OUT, TRAINING
from isa_engine.data.surfaces import patterns
from isa_engine.data.surfaces.looks import Look
from isa_engine.data.surfaces.skinned import SkinnedSurface, even_surface_points
from isa_engine.errors import DataError
from isa_engine.geometry.camera import modelview_projection
from isa_engine.geometry.ndc import project
from isa_engine.geometry.surface import surface_table
from tests.full_disk import room_for

ROOT = Path(__file__).resolve().parents[3]
SIZE = 48
OPTIONS = ("--frames", "2", "--size", f"{SIZE}x{SIZE}", "--samples", "1")
# Of two people.
SEED = 0


def command(out: Path, *options) -> int:
    return main(["--out", str(out), *OPTIONS, *map(str, options)], "isa_synthesize")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("rendered")
    assert command(out, "--seed", SEED) == 0
    (folder,) = rendered_folders(out)
    return folder


@pytest.fixture(scope="module")
def posed(clip):
    """The clip as training sees it, with 512 points a character."""
    body, recording = open_body(), read_rendered(clip)
    table = surface_table(body.v_template, body.faces, 512)
    surface = SkinnedSurface(body, table.corners, table.barycentric)
    return to_clip(recording, surface, slice(None), SIZE, SIZE)


def places(points: torch.Tensor, lens: torch.Tensor, camera: torch.Tensor):
    """Rows and columns of the pixels that points fall in, and which are in the picture."""
    mvp = modelview_projection(lens.numpy(), camera.numpy())
    ndc, in_front = project(points.double().numpy(), mvp)
    column, row = ((ndc[..., 0] + 1) / 2 * SIZE).astype(int), ((1 - ndc[..., 1]) / 2 * SIZE).astype(int)
    return row, column, in_front & (np.abs(ndc[..., :2]) < 1).all(-1)


def test_projected_points_fall_inside_the_masks_of_their_character(posed):
    count = posed.points.shape[1]
    assert count == 2
    near = torch.nn.functional.max_pool2d((posed.mask > 0).float(), 3, 1, 1) > 0
    for frame in range(2):
        for k in range(count):
            row, column, inside = places(
                posed.points[frame, k], posed.intrinsics[frame], posed.camera_to_world[frame]
            )
            at = frame, row[inside], column[inside]
            assert inside.mean() > 0.3
            assert near[at].float().mean() > 0.97
            assert (posed.mask[at] == k + 1).float().mean() > 0.4


def test_the_background_is_the_video_without_the_cast(posed):
    off = (posed.video - posed.background).abs().mean(0)
    far = torch.nn.functional.max_pool2d((posed.mask > 0).float(), 5, 1, 2) == 0
    assert off[posed.mask > 0].mean() > 4 * off[far].mean()
    assert off[far].median() < 0.05


def test_references_show_the_cast_elsewhere_in_other_poses(posed):
    for k in range(posed.points.shape[1]):
        picture = posed.reference_of[k]
        view = posed.reference_intrinsics[picture], posed.reference_camera_to_world[picture]
        *_, inside = places(posed.reference_points[k], *view)
        assert inside.mean() > 0.3
    here, there = posed.points[0], posed.reference_points
    assert ((here - here.mean(1, keepdim=True)) - (there - there.mean(1, keepdim=True))).abs().max() > 0.1


def test_a_seed_is_a_clip_whatever_was_rendered_before(clip, tmp_path):
    assert command(tmp_path, "--seed", SEED) == 0
    # Cycles notes its time in each PNG, so the bytes differ.
    first, again = (vars(read_rendered(folder)) for folder in (clip, tmp_path / clip.name))
    for name, value in first.items():
        np.testing.assert_array_equal(again[name], value, name)


def test_what_is_there_is_kept_and_what_was_broken_off_is_made_again(tmp_path, capfd):
    whole, other = (tmp_path / f"training-{seed:06}" for seed in (5, 6))
    whole.mkdir()
    (whole / "clip.json").write_text("mine")
    partial = tmp_path / f".{other.name}.partial"
    partial.mkdir()
    (partial / "old.png").write_text("half a picture")
    assert command(tmp_path, "--seed", 5, "--clips", 2, "--frames", 1) == 0
    assert (whole / "clip.json").read_text() == "mine"
    assert not partial.exists()
    assert not (other / "old.png").exists()
    assert read_rendered(other).video.shape == (1, SIZE, SIZE, 3)
    assert f"{whole.name} is there" in capfd.readouterr().out


def test_an_interrupt_leaves_no_half_clip(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "isa_blender_addon.dataset", "--out", tmp_path, *OPTIONS],
        cwd=ROOT,
        env=os.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stdout:
        if line.startswith("training-000000 1/"):
            process.send_signal(signal.SIGINT)
    assert process.wait(250) == 130
    assert "interrupted" in process.stderr.read()
    assert rendered_folders(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_said(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert command(tmp_path / "file") == 1
    assert "cannot write: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("clip.json", b"{}", f"not of the format '{FORMAT}'"),
        ("arrays.npz", b"PK", "the arrays cannot be read"),
        ("mask/0001.png", b"no picture", "the picture cannot be decoded"),
        ("video/0000.png", None, "cannot be read"),
    ],
)
def test_a_broken_file_is_named(clip, tmp_path, name, content, problem):
    for path, data in contents(clip).items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(data)
    assert read_rendered(tmp_path)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=problem) as raised:
        read_rendered(tmp_path)
    assert name in str(raised.value)


def test_splits_are_those_of_the_fast_renderer(clip, tmp_path):
    assert materials.PATTERNS == patterns.KINDS
    training = read_rendered(clip)
    assert command(tmp_path, "--seed", 2, "--frames", 1, "--split", "held-out") == 0
    held_out = read_rendered(tmp_path / "held-out-000002")
    for recording, split in ((training, TRAINING), (held_out, HELD_OUT)):
        assert recording.split == split.name
        assert all(split.owns_look(*look) for look in recording.source["looks"])
        assert set(recording.source["takes"]) <= {*split.motions, "procedural"}


@pytest.fixture
def filmed(scene, tmp_path):
    """The same naked body, pose and camera by both renderers: masks ``(H, W)`` bool, and what was staged."""
    body, side = open_body(), 96
    staging = random_staging(np.random.default_rng(7), body, [np.zeros(10)], TRAINING, 2, 24.0, 1.0)
    prepare(scene, (side, side), 1, 24.0, 0)
    armature = add_character(bpy.context, body, "Anna")
    armature.children[0].pass_index = 1
    motion = Motion(
        "staged", 24.0, staging.rotations[:, 0], staging.translation[:, 0], np.zeros(0, np.float32)
    )
    apply_motion(armature, motion, start_frame=0)
    with as_mask(scene):
        theirs = decode_picture(picture(scene, staging, 1, tmp_path / "mask.png").read_bytes(), "L")

    skin = SkinnedSurface(body, *even_surface_points(body.v_template, body.faces, SAMPLES[1]))
    rotations, translation = (torch.tensor(part[1:, 0]) for part in (staging.rotations, staging.translation))
    points, normals = skin.pose(torch.zeros(10), rotations, translation, 0.0, 512)
    look = Look(
        lambda patch: torch.ones(len(patch), 3), lambda patch: torch.zeros(len(patch)), ("plain", "plain")
    )
    actor = Actor(torch.zeros(10), look, "staged", rotations, translation, points, normals)
    view = staging.intrinsics[1:], staging.camera_to_world[1:]
    noon = Light(torch.tensor([0.0, 0.0, 1.0]))
    ours = film(skin, [actor], Set(np.random.default_rng(0), "flat"), noon, view, side, side).mask[0]
    return ours.numpy() > 0, theirs > 0, staging


def test_a_picture_that_a_full_disk_cuts_short_is_said(scene, tmp_path):
    """Blender itself says nothing."""
    staging = random_staging(np.random.default_rng(7), open_body(), [np.zeros(10)], TRAINING, 1, 24.0, 1.0)
    prepare(scene, (64, 64), 1, 24.0, 0)
    for room in (0, 60):
        with room_for(room):
            with pytest.raises(OSError, match=r"No space left on device: .*0\.png"):
                picture(scene, staging, 0, tmp_path / "0.png")
            with pytest.raises(OSError, match=r"No space left on device: .*exposure\.exr"):
                expose(scene, staging)
    expose(scene, staging)
    assert whole_png(picture(scene, staging, 0, tmp_path / "0.png").read_bytes())


def test_both_renderers_draw_one_silhouette(filmed):
    ours, theirs, _ = filmed
    assert theirs.sum() > 300
    assert (ours & theirs).sum() / (ours | theirs).sum() > 0.92


def test_blender_has_the_camera_that_the_clip_says(scene, filmed):
    staging = filmed[2]
    aim(scene, staging, 1)
    camera = evaluated_camera(scene, 1)
    assert np.allclose(intrinsics(camera, scene), staging.intrinsics[1], atol=1e-5)
    assert np.allclose(camera_to_world(camera), staging.camera_to_world[1], atol=1e-5)


def test_the_sun_of_a_sky_is_where_its_lamp_shines_from(scene):
    sky = outdoor_sky(np.random.default_rng(3), "hills")
    height, width, _ = sky.image.shape
    row, column = np.unravel_index(sky.image.sum(-1).argmax(), (height, width))
    # Cycles' own formula: u = ½ − azimuth/2π, v = ½ + elevation/π.
    azimuth, elevation = (0.5 - (column + 0.5) / width) * 2 * np.pi, ((row + 0.5) / height - 0.5) * np.pi
    brightest = [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth), np.sin(elevation)]
    assert brightest @ sky.sun > 0.99


def test_an_artist_gets_the_command_and_pays_nothing_for_it():
    # In a Blender of its own, in which nothing is loaded yet.
    script = (
        "import sys, os, isa_blender_addon as a\n"
        "a.register()\n"
        "print([n for n in sys.modules if n.startswith('isa_blender_addon.dataset.')])\n"
        "a.unregister(); sys.stdout.flush(); os._exit(0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=250
    )
    assert done.stdout.strip() == "[]", done.stderr
    isa_blender_addon.register()
    assert len(dataset._commands) == 1
    isa_blender_addon.unregister()
    assert dataset._commands == []
