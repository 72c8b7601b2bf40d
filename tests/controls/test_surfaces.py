"""What is nearest at a pixel: as by rays against all triangles, also of what reaches behind us."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isa_engine.controls import rasterizing, surfaces
from isa_engine.controls.surfaces import figure_size, see, surface_of
from isa_engine.geometry.camera import NEAR
from isa_engine.pipeline.matte import projected_matte
from isa_engine.shot import Character
from tests.controls.people import SIZE, heap, met, person, rays, shot_of

SMALL = (26, 15)
seeds = st.integers(0, 2**32 - 1)


def by_rays(shot, size) -> tuple[np.ndarray, np.ndarray]:
    """Depth and owner of the first frame."""
    origin, way = rays(shot, 0, size)
    depth, owner = np.full(size[::-1], np.inf), np.full(size[::-1], -1)
    for index, character in enumerate(shot.characters):
        for triangle in character.triangles:
            here = met(origin, way, character.points[0].astype(float)[triangle])
            nearer = (here >= NEAR) & (here < depth)
            depth[nearer], owner[nearer] = here[nearer], index
    return depth, owner


@given(seeds, st.sampled_from([0.0, 3.0]))
def test_every_pixel_shows_what_its_ray_meets_first(seed, away):
    # About the camera's place, so that triangles reach behind it, or before it.
    random = np.random.default_rng(seed)
    heaps = [
        heap(random.normal([0, away - 4, 0], 1.5, (9, 3)), random.integers(0, 9, (7, 3)), name)
        for name in ("A", "B")
    ]
    shot = shot_of(heaps, size=SMALL)
    seen = see(surface_of(shot, 0), shot.mvp[0], SMALL)
    depth, owner = by_rays(shot, SMALL)
    same = np.isclose(seen.depth, depth, rtol=1e-5, atol=1e-6) | (seen.depth == depth)
    # A ray through an edge, or along a triangle, meets it or not by rounding.
    assert same.mean() > 0.995
    assert (seen.owner == owner).mean() > 0.995
    assert ((seen.owner >= 0) == np.isfinite(seen.depth)).all()


def test_of_a_floor_on_which_the_camera_stands_a_pixel_is_looked_at_a_few_times_only(monkeypatch):
    """Each of its triangles that reach behind the camera looked at in the whole picture takes seconds."""
    x, y = np.meshgrid(np.linspace(-20, 20, 41), np.linspace(-24, 16, 41))
    corners = np.stack([x.ravel(), y.ravel() + 0.3, np.full(x.size, -1.0)], 1)
    first = (np.arange(40)[:, None] * 41 + np.arange(40)).ravel()
    halves = [np.stack([first, first + 1, first + 42], 1), np.stack([first, first + 42, first + 41], 1)]
    looked_at = []

    def counted(boxes):
        looked_at.append(int((boxes[:, 2] * boxes[:, 3]).sum()))
        return rasterizing.pixels_in(boxes)

    monkeypatch.setattr(surfaces, "pixels_in", counted)
    shot = shot_of([heap(corners, np.concatenate(halves))], size=SIZE)
    seen = see(surface_of(shot, 0), shot.mvp[0], SIZE)
    assert 0.2 < np.isfinite(seen.depth).mean() < 0.6
    assert sum(looked_at) < 5 * SIZE[0] * SIZE[1]


def test_neighbouring_triangles_leave_no_pixel_between_them_and_pieces_change_nothing(monkeypatch):
    # A fan about the pixel in the middle, whose spokes run through pixels' centres.
    around = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    rim = np.stack([12 * np.cos(around), np.zeros(16), 12 * np.sin(around)], 1)
    fan = heap([[0, 0, 0], *rim], [(0, 1 + k, 1 + (k + 1) % 16) for k in range(16)])
    shot = shot_of([fan], size=(27, 15))
    seen = see(surface_of(shot, 0), shot.mvp[0], (27, 15))
    assert (seen.owner == 0).all()
    assert np.allclose(seen.depth, 4)
    monkeypatch.setattr(rasterizing, "_AT_ONCE", 7)
    again = see(surface_of(shot, 0), shot.mvp[0], (27, 15))
    assert np.array_equal(again.triangle, seen.triangle)


def test_people_fill_what_the_projected_matte_fills():
    shot = shot_of([person(), person("Ben", "walk", place=(0.6, 1.0, 0.0))])
    for frame, matte in enumerate(projected_matte(shot, SIZE)):
        seen = see(surface_of(shot, frame), shot.mvp[frame], SIZE).owner >= 0
        assert 0.01 < seen.mean() < 0.5
        # Pillow's triangles reach over their edges, so that narrow gaps are closed.
        assert seen[matte[..., 0] == 255].mean() > 0.99
        assert not seen[matte[..., 0] == 0].any()


def test_who_is_hidden_is_not_there_and_hides_nobody():
    anna, ben = person(), person("Ben", place=(0.0, -0.8, 0.0))
    hidden = Character(ben.name, ben.points, ben.triangles, shown=np.array([True, False, True]))
    shot = shot_of([anna, hidden])
    frames = [see(surface_of(shot, frame), shot.mvp[frame], SIZE).owner for frame in range(3)]
    alone = see(surface_of(shot_of([anna]), 1), shot.mvp[1], SIZE).owner
    assert (frames[0] == 1).any()
    assert np.array_equal(frames[1], alone)


def test_a_camera_that_sees_nobody():
    behind = shot_of([person(place=(0.0, -9.0, 0.0))])
    seen = see(surface_of(behind, 0), behind.mvp[0], SIZE)
    assert (seen.owner == -1).all()
    assert np.isinf(seen.depth).all()


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_a_figures_size_grows_with_it_and_not_with_its_pose(factor):
    dancer = person(frames=(0, 30))
    sizes = [
        figure_size(Character("Anna", factor * dancer.points[[frame]], dancer.triangles)) for frame in (0, 1)
    ]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.03)
    assert sizes[0] == pytest.approx(1.3 * factor, rel=0.1)
