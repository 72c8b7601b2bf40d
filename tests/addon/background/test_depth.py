"""How far away what the background shows is, of the same render."""

from ctypes.util import find_library
from dataclasses import replace

import bpy
import numpy as np
import pytest

from isa_blender_addon.session.current import close, session
from isa_blender_addon.session.generating import generate
from isa_blender_addon.session.reading.reading import _checked
from isa_blender_addon.session.session import Session
from isa_blender_addon.settings.shot import generation_settings
from isa_engine.controls import depth_pictures
from isa_engine.controls.depth import nearest
from isa_engine.controls.surfaces import see, surface_of
from isa_engine.shot import validate
from tests.addon.background.making import made, scaled, shine, size_of, steered_by_depth
from tests.addon.scene.test_units import enlarge
from tests.addon.scenes.rays import met_by_rays
from tests.movies import read_video
from tests.pipeline import discs

pytestmark = pytest.mark.usefixtures("addon")


@pytest.fixture
def things(staged) -> tuple:
    """Anna between a ground that ends at the horizon and a cube; all is as bright as it shines."""
    for item in [item for item in staged.objects if item.name.startswith("Plane")]:
        bpy.data.objects.remove(item)
    bpy.ops.mesh.primitive_plane_add(size=14, location=(0, 2, -1.2))
    ground = bpy.context.object
    bpy.ops.mesh.primitive_cube_add(size=0.8, location=(-0.7, -1, 0.1), rotation=(0.3, 0.2, 0.5))
    things = ground, bpy.context.object
    staged.objects["Anna"].children[0].data.materials.clear()
    for thing, colour in zip(things, ((0.1, 0.3, 0.1), (0.5, 0.4, 0.2)), strict=True):
        shine(thing, colour)
    staged.camera.rotation_euler.x = 1.45
    staged.isa.background = "RENDER"
    return things


@pytest.mark.parametrize("moving", [True, False])
def test_how_far_away_the_set_is_comes_along_with_the_same_pictures(staged, things, moving):
    scene = staged
    if not moving:
        scene.camera.animation_data_clear()
    shot = steered_by_depth(scene)
    plain = replace(shot, settings=replace(shot.settings, steering="pose"))
    pictures, with_them = made(scene, plain, metre=2.0)
    movie, depth = made(scene, shot, metre=2.0)
    assert movie == pictures
    assert np.array_equal(depth, with_them)
    assert read_video(movie, 3, (48, 32)).std() > 20
    assert (depth.dtype, depth.shape) == (np.float16, (3 if moving else 1, 32, 48))

    # By rays, past Anna, who stands partly behind the cube; in the scene's units.
    expected = np.array([met_by_rays(shot, frame, things, (48, 32)) for frame in range(len(depth))])
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


@pytest.mark.parametrize("scale", [2, 3])
def test_a_plate_of_more_pixels_shows_the_set_in_them_and_depth_stays_the_canvass(staged, things, scale):
    """Along an edge between near and far a mean of both would be where nothing is."""
    # Quick has fewer samples of more pixels.
    staged.isa.background_quick, staged.render.engine, staged.cycles.samples = False, "CYCLES", 4
    shot = steered_by_depth(staged)
    movie, depth = made(staged, scaled(shot, scale))
    assert (size_of(movie), depth.shape) == ((scale * 48, scale * 32), (3, 32, 48))
    # A canvas that has these pixels itself.
    large = replace(shot.settings, width=scale * 48, height=scale * 32)
    fine, far = made(staged, replace(shot, settings=large))
    assert movie == fine
    middle = scale // 2
    assert np.array_equal(depth, far[:, middle::scale, middle::scale])
    validate(replace(scaled(shot, scale), background=movie, background_depth=depth))


@pytest.mark.skipif(find_library("EGL") is None, reason="no EGL, without which Blender draws nothing")
@pytest.mark.parametrize("engine", ["EEVEE", "WORKBENCH"])
def test_the_scenes_own_engine_tells_it_too(staged, things, engine):
    scene = staged
    scene.isa.background_quick, scene.frame_end, scene.eevee.taa_render_samples = False, 1, 1
    scene.camera.data.clip_end = 50
    try:
        scene.render.engine = f"BLENDER_{engine}"
    except TypeError:  # before Blender 5
        scene.render.engine = "BLENDER_EEVEE_NEXT"
    shot = steered_by_depth(scene)
    movie, (depth,) = made(scene, shot)
    assert read_video(movie, 1, (48, 32)).std() > 10
    # EEVEE looks along a ray that passes a pixel somewhere, and a renderer may blur by a pixel.
    around = np.pad(met_by_rays(shot, 0, things, (48, 32)), 1, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(around, (3, 3))
    nearest_there, farthest_there = around.min((2, 3)), around.max((2, 3))
    assert 0.2 < np.isfinite(depth).mean() < 0.9
    right = (depth >= nearest_there * (1 - 1e-3)) & (depth <= farthest_there * (1 + 1e-3))
    assert right.mean() > 0.995


@pytest.mark.parametrize(
    ("away", "holdout", "steering", "goes"),
    [
        (0.5, True, "pose", True),
        (0.5, False, "pose", False),
        (50, True, "pose", False),
        (50, False, "depth", True),
    ],
)
def test_depth_goes_with_a_shot_that_it_steers_or_in_which_the_set_hides_somebody(
    staged, away, holdout, steering, goes
):
    shot = steered_by_depth(staged)
    depth = np.full((1, 32, 48), away, np.float16)
    shot = replace(shot, background=b"movie", background_depth=depth)
    shot = replace(shot, settings=replace(shot.settings, steering=steering))
    checked, _ = _checked(shot, None, keeps=True, holds_out=holdout)
    assert (checked.background_depth is not None) == goes
    assert checked.background == b"movie"


def sent_with(monkeypatch, away: float) -> tuple[list, list]:
    """Recipes and shots, as they come: each background is a movie of a set that is so many metres away."""
    recipes, sent = [], []

    def start(making, recipe):
        recipes.append(recipe)
        making._kept.parent.mkdir(parents=True, exist_ok=True)
        making._kept.write_bytes(b"movie")
        np.save(making._kept.with_suffix(".npy"), np.full((1, 32, 48), away, np.float16))

    monkeypatch.setattr("isa_blender_addon.background.making.Making._start", start)
    monkeypatch.setattr(Session, "start_engine", lambda self: None)
    monkeypatch.setattr(Session, "submit", lambda self, _scene, shot, _take: sent.append(shot))
    return recipes, sent


def read_to_its_end(scene, **options) -> None:
    reading = generate(session(), scene, **options)
    while reading.step():
        pass


def test_depth_goes_with_the_shot_and_is_told_the_scenes_unit(staged, monkeypatch):
    scene, (recipes, sent) = staged, sent_with(monkeypatch, 3)

    def settings(scene):
        return replace(generation_settings(scene), steering="depth", width=48, height=32)

    monkeypatch.setattr("isa_blender_addon.session.reading.reading.generation_settings", settings)
    enlarge(scene, 100)
    scene.unit_settings.scale_length = 0.01
    scene.isa.background = "RENDER"
    read_to_its_end(scene, anyway=True)
    assert [(recipe.needs_depth, recipe.metre) for recipe in recipes] == [(True, pytest.approx(0.01))]
    assert (sent[0].background, sent[0].background_depth.shape) == (b"movie", (1, 32, 48))
    assert (sent[0].background_depth == 3).all()
    close()


def test_a_set_that_hides_everybody_holds_the_shot_until_a_click_has_them_painted_over_it(
    staged, monkeypatch
):
    _, sent = sent_with(monkeypatch, 0.3)
    staged.isa.background = "RENDER"
    read_to_its_end(staged)
    assert sent == []
    (found,) = (each for each in session().findings if "behind the set" in each.text)
    bpy.ops.isa.paint_over_set()
    assert found not in session().findings
    read_to_its_end(staged, anyway=True)
    assert [shot.background_depth for shot in sent] == [None]
    close()


def test_no_depth_is_sent_for_a_holdout_that_the_model_does_not_do(staged, monkeypatch):
    """Of a long take it is hundreds of megabytes."""
    _, sent = sent_with(monkeypatch, 0.3)
    told = discs.Described(painted=("mask", "boxes"))
    monkeypatch.setattr("isa_blender_addon.settings.shot.chosen", lambda scene: told)
    staged.isa.background = "RENDER"
    read_to_its_end(staged, anyway=True)
    assert [(shot.background, shot.background_depth) for shot in sent] == [(b"movie", None)]
    close()
