"""Whom the set hides: a thing before somebody, by how far away both are."""

from dataclasses import replace

import numpy as np
import pytest

from isa_engine.controls.set_occlusion import occluded_by_set, set_occludes_somebody
from isa_engine.controls.surfaces import see, surface_of
from isa_engine.shot import validate
from tests.pipeline.shots import footage, make_shot

SIZE = WIDTH, HEIGHT = 64, 64


def before(away: float | np.ndarray):
    """A shot whose set is that far away, metres."""
    shot = make_shot(3)
    depth = np.broadcast_to(np.asarray(away), (1, HEIGHT, WIDTH)).astype(np.float16)
    shot = replace(shot, background=footage(3))
    return replace(shot, settings=replace(shot.settings, width=WIDTH, height=HEIGHT), background_depth=depth)


@pytest.fixture(scope="module")
def body() -> np.ndarray:
    shot = make_shot(3)
    return see(surface_of(shot, 0), shot.mvp[0], SIZE).depth


def test_what_is_nearer_hides_and_what_is_farther_does_not(body):
    there = np.isfinite(body)
    nearest, farthest = body[there].min(), body[there].max()
    assert occluded_by_set(before(nearest - 0.2), 0, SIZE)[there].all()
    assert not occluded_by_set(before(farthest + 0.2), 0, SIZE)[there].any()
    assert set_occludes_somebody(before(nearest - 0.2))
    assert not set_occludes_somebody(before(farthest + 5))


def test_a_thing_hides_only_where_it_stands(body):
    away = np.full((HEIGHT, WIDTH), np.inf)
    away[:, : WIDTH // 2] = body[np.isfinite(body)].min() - 0.2
    hidden = occluded_by_set(before(away), 0, SIZE)
    assert not hidden[:, WIDTH // 2 :].any()
    there = np.isfinite(body[:, : WIDTH // 2])
    assert there.any()
    assert hidden[:, : WIDTH // 2][there].all()


def test_what_touches_somebody_does_not_hide_them(body):
    """Feet stand a little in the ground."""
    within = np.where(np.isfinite(body), body - 0.05, np.inf)
    assert not occluded_by_set(before(within), 0, SIZE).any()
    assert not set_occludes_somebody(before(np.where(np.isfinite(body), body + 3, np.inf)))


def test_hair_and_cloth_about_a_body_are_hidden_with_it_and_what_is_far_from_all_is_not(body):
    """There the set is seen as it is."""
    there = np.isfinite(body)
    hidden = occluded_by_set(before(0.1), 0, SIZE)
    assert (hidden & ~there).any()
    assert not hidden.all()


def test_nobody_is_hidden_where_it_is_not_known_how_far_the_set_is():
    assert not occluded_by_set(make_shot(3), 0, SIZE).any()


def test_such_a_shot_is_whole():
    validate(before(2.0))
