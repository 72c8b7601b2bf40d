"""Nearness to skins: whole on them, falling to nothing at its reach, also about the camera."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_engine.controls.surfaces import see, surface_of
from isa_engine.pipeline.isa.nearness import nearness
from tests.pipeline.shots import make_shot

SIZE = WIDTH, HEIGHT = 96, 64


def seen(shot, size=SIZE) -> np.ndarray:
    return np.isfinite(see(surface_of(shot, 0), shot.mvp[0], size).depth)


def grown(shot, by: float):
    """A ball's shot, whose skin is so many metres further out."""
    (ball,) = shot.characters
    (points,) = ball.points.astype(np.float64)
    outward = points - points.mean(0)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    return replace(shot, characters=(replace(ball, points=(points + by * outward)[None].astype(np.float32)),))


@settings(deadline=None, max_examples=40)
@given(reach=st.floats(0.02, 0.2), far=st.floats(0, 3))
def test_it_is_whole_on_the_skin_falls_beyond_a_third_of_its_reach_and_ends_there(reach, far):
    ball = make_shot(frames=1, centres=((0, far, 0),), references="none")
    near = nearness(ball, 0, SIZE, reach)
    assert (near[seen(grown(ball, reach * 0.33))] == 1).all()
    assert (near[~seen(grown(ball, reach * 0.34))] < 1).all()
    assert (near[seen(grown(ball, reach * 0.99))] > 0).all()
    assert not near[~seen(grown(ball, reach * 1.01))].any()
    # Straight, in two steps or more.
    for share in (0.25, 0.5, 0.75):
        within = seen(grown(ball, reach * (1 - 2 / 3 * share)))
        assert (near[within] > share - 0.18).all()
        assert (near[~within] < share + 0.18).all()


@settings(deadline=None, max_examples=20)
@given(reach=st.floats(0.2, 0.6), closer=st.floats(0, 2), scale=st.integers(1, 4))
def test_close_to_the_camera_it_falls_as_straight_without_rings(reach, closer, scale):
    """Drawn coarser, it is as exact as a tenth of its reach; a step that is as wide as a head's ear is seen
    as a ring."""
    size = scale * WIDTH, scale * HEIGHT
    ball = make_shot(frames=1, centres=((0, -closer, 0),), references="none")
    near = nearness(ball, 0, size, reach)
    assert (near[seen(ball, size)] == 1).all()
    for share in (0.2, 0.5, 0.8):
        within, beyond = (seen(grown(ball, reach * (1 - 2 / 3 * share + by)), size) for by in (-0.1, 0.1))
        assert (near[within] > share - 0.2).all()
        assert (near[~beyond] < share + 0.2).all()


def test_it_is_told_in_metres_not_in_pixels():
    """A larger picture of the same has the same shares."""
    ball = make_shot(frames=1, centres=((0, 0, 0),), references="none")
    small, large = nearness(ball, 0, SIZE, 0.3), nearness(ball, 0, (4 * WIDTH, 4 * HEIGHT), 0.3)
    means = large.reshape(HEIGHT, 4, WIDTH, 4).mean((1, 3))
    assert np.abs(means - small).mean() < 0.02


def test_who_is_hidden_is_near_nothing():
    shot = make_shot(frames=3, references="none")
    hidden = [replace(each, shown=np.array([True, False, True])) for each in shot.characters]
    shot = replace(shot, characters=tuple(hidden))
    assert [nearness(shot, frame, SIZE, 0.1).any() for frame in range(3)] == [True, False, True]


def test_who_stands_about_the_camera_is_near_wherever_their_skin_is_seen():
    """As in a shot over somebody's shoulder: triangles that reach behind the camera have no place of their
    corners in the picture."""
    shot = make_shot(frames=1, centres=((0, -3.7, -0.3),), references="none")
    assert seen(shot).any()
    assert (nearness(shot, 0, SIZE, 0.05)[seen(shot)] == 1).all()
