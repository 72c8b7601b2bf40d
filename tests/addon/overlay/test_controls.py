"""The controls that the overlay shows are the engine's, to the pixel."""

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view

from isa_blender_addon.overlay.controls import control_picture
from isa_blender_addon.overlay.watch import watch
from isa_blender_addon.settings import models
from isa_blender_addon.settings.cast import refresh_cast
from isa_blender_addon.settings.shot import canvas, generation_settings
from isa_blender_addon.ui.background import ISA_PT_background
from isa_blender_addon.ui.look import ISA_PT_look
from isa_blender_addon.ui.shot import ISA_PT_shot
from isa_engine.controls import CONTROLS
from isa_engine.controls.openpose import BODY, COLOURS
from isa_engine.models import KINDS, steered_by
from isa_engine.models.vace import VACE
from tests.addon.overlay.test_geometry import ball, view
from tests.addon.scenes.cast import add_person, stage
from tests.addon.scenes.shot import capture_shot
from tests.addon.ui.test_models import asked, drawn
from tests.pipeline import discs

# OpenPose's body joints and the SMPL-X bones that begin where they are.
BONES = {
    f"{side}_{ours}": f"{side}_{ours}"
    for side in ("left", "right")
    for ours in ("shoulder", "elbow", "wrist")
} | {f"{side}_{ours}": f"{side}_{ours}" for side in ("left", "right") for ours in ("hip", "knee", "ankle")}


@pytest.fixture
def staged(scene, addon, monkeypatch):
    """Two people, and a model that every control steers."""
    described = discs.Described(controls=tuple(CONTROLS), short_side=180)
    monkeypatch.setitem(KINDS, "discs", discs.Kind(lambda: ("discs",), lambda name: described, None, "discs"))
    models.look()
    stage(scene)
    add_person("Ben").location = 1.2, 1.5, 0
    refresh_cast(scene)
    scene.isa.model = "discs"
    scene.frame_set(2)
    yield scene
    monkeypatch.undo()
    models.look()


@pytest.mark.parametrize("name", CONTROLS)
@pytest.mark.parametrize("frame", [1, 4])
def test_what_is_shown_is_what_the_engine_draws_of_the_shot(staged, name, frame):
    staged.isa.controls = {name}
    staged.frame_set(frame)
    shown = watch.drawing(staged).controls
    shot = capture_shot(staged, generation_settings(staged))
    sent = list(CONTROLS[name](shot, canvas(staged)))[frame - 1].astype(int)
    assert shown.shape[:2] == sent.shape[:2] == (180, 320)
    there = sent.any(-1)
    assert there.any()
    if name == "depth":
        # Of one frame, nearness has another scale than of the shot.
        assert np.array_equal(shown[..., 3] > 0, there)
        scale = shown[there, 0].astype(float) / sent[there, 0]
        assert np.ptp(scale) < 0.05
    else:
        # Lines of a limb are as wide as the figure is large on the first frame of what is drawn.
        differs = (shown[..., :3] != sent).any(-1)
        assert differs.mean() < (0.004 if frame > 1 else 1e-9)
        assert (shown[..., 3] > 0)[there & ~differs].all()
        assert (shown[~there & ~differs, 3] == 0).all()


def test_joints_are_drawn_where_blender_sees_the_bones(staged):
    for frame in (1, 3, 6):
        staged.frame_set(frame)
        picture = watch.drawing(staged).controls
        height, width = picture.shape[:2]
        right = seen = 0
        for name in ("Anna", "Ben"):
            armature = staged.objects[name]
            for joint, bone in BONES.items():
                head = armature.matrix_world @ armature.pose.bones[bone].head
                x, y, _ = world_to_camera_view(staged, staged.camera, head)
                column, row = int(x * width), int((1 - y) * height)
                if not (0 <= column < width and 0 <= row < height):
                    continue
                seen += 1
                assert picture[row, column, 3] == 255
                # Another joint may be before it.
                right += np.array_equal(picture[row, column, :3], COLOURS[BODY.index(joint)])
        assert seen >= 20
        assert right >= 0.75 * seen


def test_they_follow_the_pose_the_camera_and_the_choice(staged):
    def picture() -> np.ndarray:
        bpy.context.view_layer.update()
        return watch.drawing(staged).controls

    first = picture()
    assert picture() is first
    bone = staged.objects["Anna"].pose.bones["right_shoulder"]
    staged.objects["Anna"].animation_data.action = None
    bone.rotation_mode, bone.rotation_euler = "XYZ", (0, 0, 1.2)
    posed = picture()
    assert not np.array_equal(posed, first)
    staged.camera.data.lens *= 1.2
    zoomed = picture()
    assert (zoomed[..., 3] > 0).sum() > 1.1 * (posed[..., 3] > 0).sum()
    staged.isa.controls = {"pose", "mask"}
    both = picture()
    drawn_lines = zoomed[..., 3] > 0
    assert np.array_equal(both[drawn_lines], zoomed[drawn_lines])
    painted = both[..., 3] > 0
    assert painted.sum() > 2 * drawn_lines.sum()
    assert 0 < both[painted & ~drawn_lines, 3].max() < 255
    staged.isa.controls = set()
    assert watch.drawing(staged).controls is None


def test_a_model_that_no_picture_steers_has_none_and_no_row_for_them(staged):
    staged.isa.overlay = True
    assert {"Controls"} <= set(drawn(ISA_PT_shot))
    staged.isa.model = "isa-tiny"
    assert watch.drawing(staged).controls is None
    assert not {"Controls", "Not Sent to It"} & set(drawn(ISA_PT_shot))
    assert len(watch.drawing(staged).points) > 0


def test_the_row_has_what_steers_the_model_first_and_then_the_others(staged, monkeypatch):
    staged.isa.overlay = True
    described = discs.Described(controls=VACE.controls)
    monkeypatch.setattr("isa_blender_addon.ui.shot.chosen", lambda scene: described)
    words = [word for word in drawn(ISA_PT_shot) if word in ("Controls", "Not Sent to It")]
    assert words == ["Controls", "Not Sent to It"]


def test_what_steers_is_chosen_of_what_the_model_knows_and_is_what_is_sent(staged, monkeypatch):
    staged.isa.overlay = True
    assert "steering" not in asked(ISA_PT_look)
    described = as_vace(monkeypatch)
    assert asked(ISA_PT_look).count("steering") == 2
    assert sent(described, staged) == ("pose", "mask")
    assert generation_settings(staged).steering == "pose"
    staged.isa.steering = "depth"
    assert sent(described, staged) == ("depth", "mask")
    assert generation_settings(staged).steering == "depth"
    staged.isa.model = "isa-tiny"
    assert generation_settings(staged).steering == "pose"


def test_where_people_are_painted_is_chosen_of_what_the_model_knows_and_is_what_is_sent(staged, monkeypatch):
    staged.isa.overlay = True
    assert "painted" not in asked(ISA_PT_look)
    described = as_vace(monkeypatch)
    assert asked(ISA_PT_look).count("painted") == 2
    assert generation_settings(staged).painted == "mask"
    staged.isa.painted = "boxes"
    assert sent(described, staged) == ("pose", "boxes")
    assert generation_settings(staged).painted == "boxes"
    staged.isa.model = "isa-tiny"
    assert "painted" not in asked(ISA_PT_look)
    assert generation_settings(staged).painted == "mask"


def test_holdout_is_offered_where_the_set_can_hide_somebody(staged, monkeypatch):
    """A model that is told where it paints paints all of that place, whatever of the set stands there."""
    staged.isa.background = "RENDER"
    assert "background_holdout" in asked(ISA_PT_background)
    as_vace(monkeypatch)
    assert "background_holdout" not in asked(ISA_PT_background)


def as_vace(monkeypatch) -> discs.Described:
    """The chosen model, from now on steered by what steers VACE."""
    choices = {"steering": VACE.steering, "painted": VACE.painted}
    described = discs.Described(controls=VACE.controls, **choices)
    monkeypatch.setitem(KINDS, "discs", discs.Kind(lambda: ("discs",), lambda name: described, None, "discs"))
    models.look()
    return described


def sent(described, scene) -> tuple[str, ...]:
    return steered_by(described, scene.isa.steering, scene.isa.painted)


@pytest.mark.parametrize(("painted", "other"), [("mask", "boxes"), ("boxes", "mask")])
def test_that_a_mask_keeps_nothing_without_a_background_is_said(staged, monkeypatch, painted, other):
    as_vace(monkeypatch)
    staged.isa.overlay, staged.isa.painted = True, painted
    warning = "Without a background all of the frame is painted."

    def said() -> bool:
        return warning in " ".join(drawn(ISA_PT_shot))

    assert not said()
    staged.isa.controls = {other}
    assert not said(), "it is not sent"
    staged.isa.controls = {painted}
    assert said()
    staged.isa.background = "RENDER"
    assert not said()


def test_every_control_can_be_chosen_and_vaces_are_known(addon):
    for choice, known in (("steering", VACE.steering), ("painted", VACE.painted)):
        chosen = addon.isa.bl_rna.properties[choice].enum_items
        assert tuple(item.identifier for item in chosen) == known
        assert set(known) <= set(VACE.controls)
    items = addon.isa.bl_rna.properties["controls"].enum_items
    assert {item.identifier for item in items} == set(CONTROLS)
    assert set(VACE.controls) <= set(CONTROLS)


def test_black_is_transparent_and_nobody_is_an_empty_picture():
    picture = control_picture([], view(), (40, 24), CONTROLS)
    assert picture.shape == (24, 40, 4)
    assert not picture.any()
    body = ball((0, 0, 1))
    picture = control_picture([body], view(), (40, 24), {"depth"})
    assert 0 < (picture[..., 3] > 0).mean() < 0.5
    # Without joints there is no skeleton, and all else.
    assert not control_picture([body], view(), (40, 24), {"pose"}).any()
