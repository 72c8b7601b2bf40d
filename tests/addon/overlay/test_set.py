"""The set's depth under the overlay's cast is what a render of the background tells."""

import bpy
import numpy as np
import pytest

from isa_blender_addon.overlay import set as overlay_set
from isa_blender_addon.overlay.watch import watch
from isa_blender_addon.settings import models
from isa_blender_addon.settings.cast import refresh_cast
from isa_blender_addon.settings.shot import canvas, generation_settings
from isa_blender_addon.ui.shot import ISA_PT_shot
from isa_engine.controls.surfaces import see, surface_of
from isa_engine.models import KINDS
from isa_engine.models.vace import VACE
from tests.addon.scenes.cast import stage
from tests.addon.scenes.rays import met_by_rays
from tests.addon.scenes.shot import capture_shot
from tests.addon.ui.test_models import drawn
from tests.pipeline import discs


@pytest.fixture
def staged(scene, addon, monkeypatch):
    """Anna between a ground that ends at the horizon and a cube, before a model that depth steers."""
    described = discs.Described(controls=VACE.controls, steering=VACE.steering, short_side=180)
    monkeypatch.setitem(KINDS, "discs", discs.Kind(lambda: ("discs",), lambda name: described, None, "discs"))
    models.look()
    stage(scene)
    bpy.ops.mesh.primitive_plane_add(size=14, location=(0, 2, -1.2))
    bpy.ops.mesh.primitive_cube_add(size=0.8, location=(-0.7, -1, 0.1), rotation=(0.3, 0.2, 0.5))
    scene.camera.rotation_euler.x = 1.45
    refresh_cast(scene)
    scene.isa.model, scene.isa.steering = "discs", "depth"
    scene.isa.controls, scene.isa.background, scene.isa.overlay = {"depth"}, "RENDER", True
    scene.frame_set(2)
    yield scene
    monkeypatch.undo()
    models.look()


def picture(scene) -> np.ndarray:
    bpy.context.view_layer.update()
    return watch.drawing(scene).controls


def expected(scene, frame: int, things) -> tuple[np.ndarray, np.ndarray]:
    """How far away cast and set are by rays, at each pixel of the canvas."""
    shot = capture_shot(scene, generation_settings(scene))
    cast = see(surface_of(shot, frame - 1), shot.mvp[frame - 1], canvas(scene)).depth
    return cast, met_by_rays(shot, frame - 1, things, canvas(scene))


def grey_of(depth: np.ndarray) -> np.ndarray:
    """Bright at the nearest point, black where nothing is."""
    return 255 * depth.min() / depth


@pytest.mark.parametrize("frame", [1, 5])
def test_cast_and_set_are_seen_as_a_render_of_the_background_tells_them(staged, frame):
    staged.frame_set(frame)
    shown = picture(staged)
    cast, behind = expected(staged, frame, [staged.objects["Plane"], staged.objects["Cube"]])
    both = np.minimum(cast, behind)
    # Anna stands before the ground, and partly behind the cube.
    assert (cast < behind).sum() > 500
    assert ((behind < cast) & np.isfinite(cast)).sum() > 50
    assert np.abs(shown[..., 0] - grey_of(both)).max() < 0.75
    # The horizon fades to black.
    assert np.array_equal(shown[..., 3] > 0, shown[..., 0] > 0)
    assert 0.3 < (shown[..., 3] > 0).mean() < 0.95


def test_it_follows_the_scene_and_the_choice_of_what_is_sent(staged):
    first = picture(staged)
    assert picture(staged) is first
    staged.objects["Cube"].location.z += 1
    moved = picture(staged)
    assert not np.array_equal(moved, first)
    alone = {}
    for name, value in (("steering", "pose"), ("background", "FOOTAGE"), ("background", "NONE")):
        before = getattr(staged.isa, name)
        setattr(staged.isa, name, value)
        alone[value] = picture(staged)
        setattr(staged.isa, name, before)
        assert np.array_equal(picture(staged), moved)
    cast, _ = expected(staged, 2, [])
    for shown in alone.values():
        assert np.array_equal(shown[..., 3] > 0, np.isfinite(cast))


def test_what_no_render_of_the_background_shows_is_not_there(staged):
    anna, ground = staged.objects["Anna"], staged.objects["Plane"]
    before = picture(staged)

    def add(name: str):
        bpy.ops.mesh.primitive_cube_add(size=6, location=(0, 1, 0))
        bpy.context.object.name = name
        return bpy.context.object

    add("Guide").hide_render = True
    add("Hat").parent = anna.children[0]
    add("Ghost").visible_camera = False
    hidden = bpy.data.collections.new("Reference")
    staged.collection.children.link(hidden)
    hidden.hide_render = True
    photograph = add("Photograph")
    hidden.objects.link(photograph)
    staged.collection.objects.unlink(photograph)
    assert np.array_equal(picture(staged), before)

    # A copy of a collection, and what has faces without being a mesh, are.
    props = bpy.data.collections.new("Props")
    cube = staged.objects["Cube"]
    props.objects.link(cube)
    staged.collection.objects.unlink(cube)
    copier = bpy.data.objects.new("Copier", None)
    copier.instance_type, copier.instance_collection = "COLLECTION", props
    staged.collection.objects.link(copier)
    assert np.array_equal(picture(staged), before)
    bpy.data.objects.remove(ground)
    bpy.ops.object.text_add(location=(0, 2, 0), rotation=(np.pi / 2, 0, 0))
    bpy.context.object.data.body, bpy.context.object.data.size = "SET", 2
    assert not np.array_equal(picture(staged), before)


def test_a_large_canvas_is_looked_at_more_coarsely(staged, monkeypatch):
    fine = picture(staged).astype(int)
    monkeypatch.setattr(overlay_set, "_PIXELS", 2**13)
    watch.mark()
    coarse = picture(staged).astype(int)
    assert fine.shape == coarse.shape
    assert 0 < np.abs(fine[..., 0] - coarse[..., 0]).mean() < 3


def test_a_set_that_is_too_fine_is_said_and_the_cast_is_alone(staged, monkeypatch):
    monkeypatch.setattr(overlay_set, "_AT_MOST", 10)
    shown = picture(staged)
    cast, _ = expected(staged, 2, [])
    assert np.array_equal(shown[..., 3] > 0, np.isfinite(cast))
    assert watch.problem(staged) == "The set's depth is sent, but the set is too fine to be drawn here."
    assert watch.problem(staged) in " ".join(drawn(ISA_PT_shot))


def test_that_footage_has_no_depth_is_said_where_depth_is_looked_at(staged):
    sentence = "Of footage only the cast's depth is known."

    def said() -> bool:
        return sentence in " ".join(drawn(ISA_PT_shot))

    assert not said()
    staged.isa.background = "FOOTAGE"
    assert said()
    staged.isa.controls = {"mask"}
    assert not said()
