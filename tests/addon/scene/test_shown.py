"""Who is in the picture on which frames: by keys, by what they carry, by their scale."""

import numpy as np
import pytest

from isa_engine.shot import Settings
from tests.addon.scenes.cast import add_person, stage
from tests.addon.scenes.shot import capture_shot

SETTINGS = Settings(width=64, height=64)


def leaves(item, path: str, gone_from: int) -> None:
    """Key a character's body out of the render from a frame on."""
    away = path == "hide_render"
    for frame, value in ((1, not away), (gone_from, away)):
        setattr(item, path, value)
        item.keyframe_insert(path, frame=frame)


@pytest.mark.parametrize("path", ["hide_render", "visible_camera"])
@pytest.mark.parametrize("also_in_viewports", [False, True])
def test_somebody_who_leaves_is_shown_until_then(scene, path, also_in_viewports):
    stage(scene, frames=4)
    wanted = capture_shot(scene, SETTINGS).characters[0].points
    body = scene.objects["Anna"].children[0]
    leaves(body, path, 3)
    if also_in_viewports:
        for frame in (1, 3):
            body.hide_viewport = frame == 3
            body.keyframe_insert("hide_viewport", frame=frame)
    ben = add_person("Ben")
    (anna, other) = capture_shot(scene, SETTINGS).characters
    assert (anna.name, other.name) == ("Anna", ben.name)
    assert anna.shown.tolist() == [True, True, False, False]
    assert other.shown is None
    np.testing.assert_allclose(anna.points, wanted, atol=1e-6)


def carries_hair_alone(person):
    """The particles of the body are rendered, and not the body."""
    body = person.children[0]
    body.modifiers.new("Hair", "PARTICLE_SYSTEM")
    for frame, alone in ((1, False), (3, True)):
        body.show_instancer_for_render = not alone
        body.keyframe_insert("show_instancer_for_render", frame=frame)


def shrinks_to_nothing(person):
    for frame, scale in ((2, 1), (3, 0)):
        person.scale = (scale,) * 3
        person.keyframe_insert("scale", frame=frame)


@pytest.mark.parametrize("go", [carries_hair_alone, shrinks_to_nothing])
def test_there_are_other_ways_to_hide_somebody(scene, go):
    stage(scene, frames=4)
    go(add_person("Ben"))
    (anna, ben) = capture_shot(scene, SETTINGS).characters
    assert anna.shown is None
    assert ben.shown.tolist() == [True, True, False, False]


def test_somebody_who_enters_after_the_first_frame_is_in_the_cast(scene):
    stage(scene, frames=4)
    body = add_person("Ben").children[0]
    for frame, hidden in ((1, True), (4, False)):
        body.hide_render = hidden
        body.keyframe_insert("hide_render", frame=frame)
    characters = capture_shot(scene, SETTINGS).characters
    assert [c.visible.tolist() for c in characters] == [[True] * 4, [False, False, False, True]]


def test_somebody_who_comes_and_goes_outside_the_shot_is_not_in_it(scene):
    stage(scene, frames=4)
    body = add_person("Ben").children[0]
    for frame, hidden in ((1, True), (50, False)):
        body.hide_render = hidden
        body.keyframe_insert("hide_render", frame=frame)
    assert [character.name for character in capture_shot(scene, SETTINGS).characters] == ["Anna"]
