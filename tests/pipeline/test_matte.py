"""The projected matte covers the cast and nothing else."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from isa_engine.geometry.ndc import project
from isa_engine.pipeline import generate
from isa_engine.pipeline.matte import projected_matte
from tests.movies import read_video
from tests.pipeline.shots import make_shot

WIDTH, HEIGHT = SIZE = (96, 64)
places = st.tuples(st.floats(-2, 2), st.floats(-3, 5), st.floats(-1.5, 1.5))


def mattes(shot) -> list[np.ndarray]:
    """Grey pictures ``(H, W)``."""
    frames = list(projected_matte(shot, SIZE))
    assert all(frame.shape == (HEIGHT, WIDTH, 3) for frame in frames)
    assert all((frame == frame[..., :1]).all() for frame in frames)
    return [frame[..., 0] for frame in frames]


def pixels_of(points: np.ndarray, mvp: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ndc, in_front = project(points.astype(np.float64), mvp)
    return (ndc[:, :2] * [1, -1] + 1) / 2 * SIZE, in_front


def test_nobody_is_white_on_the_frames_on_which_they_are_hidden():
    shot = make_shot(frames=3, references="none")
    hidden = [dataclasses.replace(c, shown=np.array([True, False, True])) for c in shot.characters]
    first, second, third = mattes(dataclasses.replace(shot, characters=tuple(hidden)))
    assert first.any()
    assert third.any()
    assert not second.any()


@settings(deadline=None, max_examples=50)
@given(centres=st.lists(places, min_size=1, max_size=3))
def test_every_surface_point_in_the_picture_is_inside_and_nothing_is_white_away_from_them(centres):
    shot = make_shot(frames=2, centres=tuple(centres), references="none")
    for frame, matte in enumerate(mattes(shot)):
        near = np.zeros((HEIGHT, WIDTH), bool)
        for character in shot.characters:
            pixels, in_front = pixels_of(character.points[frame], shot.mvp[frame])
            # Triangles that reach behind the camera are not drawn.
            assume(in_front.all() or not in_front.any())
            if not in_front.any():
                continue
            shown = pixels[((pixels > 0) & (pixels < SIZE)).all(1)].astype(int)
            assert (matte[shown[:, 1], shown[:, 0]] > 0).all()
            left, top = np.clip(np.floor(pixels.min(0)) - 1, 0, SIZE).astype(int)
            right, bottom = np.clip(np.ceil(pixels.max(0)) + 1, 0, SIZE).astype(int)
            near[top:bottom, left:right] = True
        assert not matte[~near].any()


def test_a_ball_is_as_large_as_its_projection():
    """The octahedron's outline, between the disc around it and the one inside it."""
    shot = make_shot(frames=1, centres=((0, 0, 0),))
    area = mattes(shot)[0].sum() / 255
    fx, fy = shot.intrinsics[0, :2]
    radius = 0.5 / np.sqrt(4**2 - 0.5**2)
    disc = np.pi * (fx * radius * WIDTH / 2) * (fy * radius * HEIGHT / 2)
    assert 0.85 * disc < area < 1.02 * disc


def test_the_cast_is_the_union_of_its_members():
    shot = make_shot()
    alone = [mattes(dataclasses.replace(shot, characters=(member,))) for member in shot.characters]
    for both, first, second in zip(mattes(shot), *alone, strict=True):
        assert (both >= np.maximum(first, second)).all()
        assert not both[(first == 0) & (second == 0)].any()


def test_edges_are_antialiased():
    assert any(((matte > 10) & (matte < 245)).any() for matte in mattes(make_shot()))


def test_what_is_behind_the_camera_leaves_no_trace():
    assert not any(matte.any() for matte in mattes(make_shot(centres=((0, -9, 0),))))


def test_a_triangle_that_reaches_behind_the_camera_is_not_drawn_at_all():
    """Its hidden corner has no place in the picture; one made up would paint far away from the body."""
    shot = make_shot(frames=1, centres=((0, 0, 0),), references="none")
    points = np.array([[[-0.2, 0, 0], [0.2, 0, 0], [0, -5, 0.5]]], np.float32)
    blade = dataclasses.replace(shot.characters[0], points=points, triangles=np.array([[0, 1, 2]], np.int32))
    assert not mattes(dataclasses.replace(shot, characters=(blade,)))[0].any()


@pytest.mark.parametrize("place", [(0, -4, 0), (0.5, -4, 0.2)])
def test_somebody_around_the_camera_is_clipped_and_not_turned_inside_out(place):
    assert len(mattes(make_shot(frames=3, centres=(place,)))) == 3


def test_a_trained_model_mattes_what_it_generated(model, silent, tmp_path):
    trained, shot = dataclasses.replace(model, trained=True), make_shot(frames=6)
    result = generate(shot, trained, tmp_path, silent)
    assert json.loads(result.record.read_text())["matte"] == "generated people"
    shown = read_video(result.matte.read_bytes(), shot.frames, (48, 32))
    assert len(shown) == shot.frames
    other = generate(make_shot(frames=6, seed=9), trained, tmp_path, silent)
    assert np.abs(read_video(other.matte.read_bytes(), shot.frames, (48, 32)).astype(int) - shown).max() > 8
