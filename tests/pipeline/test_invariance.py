"""What must not change the video, all the way from the shot to the plate; and that what should, does."""

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
import torch

from isa_engine.pipeline import generate
from isa_engine.pipeline.isa.conditioning import condition_shot
from isa_engine.shot import Shot
from tests.pipeline.shots import make_shot, picture

CENTRES = ((-0.6, 0, 0), (0.7, 0.4, 0.1))
# Levels of a colour that rounding in the conditions may turn.
ROUNDING = 1


@pytest.fixture(params=["model", "model_in_2d"])
def either(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def video(silent, tmp_path, monkeypatch):
    """``video(shot, model)`` → the plate's frames, as they go to the codec."""
    written = {}

    def keep(path, frames, *settings):
        written[path.name.split(".")[0]] = np.stack(list(frames)).astype(int)
        path.touch()

    monkeypatch.setattr(import_module("isa_engine.pipeline.generation"), "write_video", keep)

    def make(shot: Shot, model) -> np.ndarray:
        generate(shot, model, tmp_path / "out", silent)
        return written["plate"]

    return make


def assert_unchanged(one: np.ndarray, other: np.ndarray) -> None:
    assert np.abs(one - other).max() <= ROUNDING


def assert_changed(one: np.ndarray, other: np.ndarray) -> None:
    assert np.abs(one - other).max() > 20 * ROUNDING


def rigid(angle: float, place: tuple[float, float, float]) -> np.ndarray:
    transform = np.eye(4)
    transform[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    transform[:3, 3] = place
    return transform


def reordered(shot: Shot, order: np.ndarray) -> Shot:
    """The same surfaces with their points in another order; the triangles follow."""
    place = np.argsort(order).astype(np.int32)
    cast = [
        replace(
            character,
            points=character.points[:, order],
            triangles=place[character.triangles],
            reference=replace(character.reference, points=character.reference.points[order]),
        )
        for character in shot.characters
    ]
    return replace(shot, characters=tuple(cast))


@pytest.mark.parametrize(
    "transform", [rigid(0, (30, -12, 4)), rigid(2.1, (0, 0, 0)), rigid(-1.2, (-300, 50, -9))]
)
def test_moving_the_whole_scene_and_turning_it_about_z_leaves_the_video(either, video, transform):
    here = video(make_shot(), either)
    assert_unchanged(here, video(make_shot(transform=transform), either))
    # One character moved without the rest is another shot.
    assert_changed(here, video(make_shot(centres=((0.0, -1, 0), CENTRES[1])), either))


def test_tilting_the_whole_scene_is_another_shot(model, video):
    """Up is known to the network: people stand."""
    tilt = np.eye(4)
    tilt[1:3, 1:3] = [[0.5, -(0.75**0.5)], [0.75**0.5, 0.5]]
    assert_changed(video(make_shot(), model), video(make_shot(transform=tilt), model))


def test_the_order_of_a_characters_points_leaves_the_video(either, video):
    order = np.random.default_rng(0).permutation(either.config.dit.points)
    order = np.concatenate([order, np.arange(len(order), 18)])
    assert_unchanged(video(make_shot(), either), video(reordered(make_shot(), order), either))


def test_the_order_of_the_characters_leaves_the_video(either, video):
    shot = make_shot()
    swapped = replace(shot, characters=shot.characters[::-1])
    assert_unchanged(video(shot, either), video(swapped, either))


def tokens(shot: Shot, model) -> torch.Tensor:
    """Point tokens ``(F, P, d)``."""
    told = condition_shot(shot, model)
    return model.dit.point_tokens(told.points, told.identity, told.identity_known)[0]


def test_reordering_points_or_characters_reorders_their_tokens(model):
    shot, count = make_shot(), model.config.dit.points
    before = tokens(shot, model)
    order = np.random.default_rng(1).permutation(count)
    after = tokens(reordered(shot, np.concatenate([order, np.arange(count, 18)])), model)
    expected = before.unflatten(1, (2, count))[:, :, order].flatten(1, 2)
    torch.testing.assert_close(after, expected, atol=2e-4, rtol=0)
    after = tokens(replace(shot, characters=shot.characters[::-1]), model)
    torch.testing.assert_close(after, before.roll(count, 1), atol=2e-4, rtol=0)


def test_a_character_wholly_behind_the_camera_leaves_the_video(either, video):
    behind = make_shot(centres=(*CENTRES, (0, -9, 0)))
    in_sight = make_shot(centres=(*CENTRES, (0, 0.5, 0.8)))
    alone = video(make_shot(), either)
    assert np.array_equal(alone, video(behind, either))
    assert_changed(alone, video(in_sight, either))


def test_each_characters_identity_depends_on_its_own_reference_alone(model, video):
    shot, count = make_shot(), model.config.dit.points
    repainted = replace(shot, references=(shot.references[0], picture(seed=9)))
    first, second = (tokens(repainted, model) - tokens(shot, model)).split(count, 1)
    assert not first.any()
    assert (second.abs().amax(-1) > 0).all()
    assert_changed(video(shot, model), video(repainted, model))
