"""What the overlay draws, as arrays; no Blender."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_blender_addon.overlay.geometry import (
    HIDDEN_ALPHA,
    SHOWN_ALPHA,
    Body,
    View,
    canvas_lines,
    drawing,
    unproject,
    visible,
)
from isa_engine.data.scenario.camera_paths import look_at_matrices
from isa_engine.geometry.ndc import project

RED, BLUE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)


def view(place=(0, -4, 1), focal=1.5, shift=(0.0, 0.0)) -> View:
    """From a place at the point a metre above the origin."""
    return View(
        (focal, focal, *shift), look_at_matrices(np.array([place], float), np.array([[0, 0, 1.0]]))[0]
    )


def ball(centre, radius=0.4, colour=RED, rings=40) -> Body:
    """A sphere's points and outward triangles."""
    polar, turn = np.meshgrid(
        np.linspace(0.03, np.pi - 0.03, rings),
        np.linspace(0, 2 * np.pi, 2 * rings, endpoint=False),
        indexing="ij",
    )
    unit = np.stack([np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar)], -1)
    index = np.arange(polar.size).reshape(polar.shape)
    a, b = index[:-1], index[1:]
    c, d = np.roll(b, -1, 1), np.roll(a, -1, 1)
    triangles = np.concatenate([np.stack(t, -1).reshape(-1, 3) for t in ((a, b, c), (a, c, d))])
    return Body(np.array(centre) + radius * unit.reshape(-1, 3), triangles, colour)


@settings(max_examples=30, deadline=None)
@given(
    place=st.tuples(st.floats(1, 9), st.floats(-9, 9), st.floats(0, 5)),
    focal=st.floats(0.3, 6),
    shift=st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)),
    distance=st.floats(0.3, 20),
)
def test_the_canvas_is_the_frame_whatever_the_camera(place, focal, shift, distance):
    seen = view(place, focal, shift)
    ndc, in_front = project(canvas_lines(seen, distance).astype(np.float64), seen.mvp)
    assert in_front.all()
    corners = np.array([(-1, -1), (1, -1), (1, -1), (1, 1), (1, 1), (-1, 1), (-1, 1), (-1, -1)])
    np.testing.assert_allclose(ndc[:8, :2], corners, atol=1e-4)
    np.testing.assert_allclose(ndc[8:, :2].mean(0), 0, atol=1e-4)


def test_a_place_in_the_picture_comes_back_to_where_it_was():
    seen = view(shift=(0.2, -0.1))
    places = np.random.default_rng(0).uniform(-1, 1, (20, 2))
    ndc, _ = project(unproject(places, seen, 3.0), seen.mvp)
    np.testing.assert_allclose(ndc[:, :2], places, atol=1e-9)


def test_the_side_that_faces_away_is_hidden():
    body, seen = ball((0, 0, 1)), view()
    (mask,) = visible([body], seen.mvp)
    ray = np.array([0, -4, 1]) - body.points
    cosine = ((body.points - [0, 0, 1]) / 0.4 * ray / np.linalg.norm(ray, axis=1, keepdims=True)).sum(1)
    # A slanting side may count as either.
    sure = np.abs(cosine) > 0.4
    assert (mask == (cosine > 0))[sure].mean() > 0.99


def test_who_stands_behind_another_is_hidden_and_no_one_else():
    front, behind, aside = ball((0, 0, 1)), ball((0, 1.5, 1), 0.35), ball((1.2, 0.5, 1))
    alone = [visible([body], view().mvp)[0] for body in (front, behind, aside)]
    together = visible([front, behind, aside], view().mvp)
    assert not together[1].any()
    for k in (0, 2):
        assert (together[k] == alone[k]).mean() > 0.85


def test_what_is_off_the_frame_or_behind_the_camera_is_hidden():
    seen = view(focal=3.0)
    for centre in ((3, 0, 1), (0, -9, 1), (0, -4, 1)):
        assert not visible([ball(centre, 0.2)], seen.mvp)[0].any()
    half = ball((4 / 3, 0, 1), 0.3)
    mask = visible([half], seen.mvp)[0]
    assert mask.any()
    assert not mask[project(half.points, seen.mvp)[0][:, 0] > 1].any()


def test_a_real_body_is_seen_as_rays_see_it():
    from mathutils.bvhtree import BVHTree

    from isa_engine.body import bundled_motion, open_body
    from isa_engine.geometry.surface import surface_table

    body, motion = open_body(), bundled_motion("dance")
    table = surface_table(body.v_template, body.faces)
    vertices, faces, bodies = [], [], []
    for k, x in enumerate((-0.35, 0.0, 0.4)):
        posed, _ = body.pose(rotations=motion.rotations[20 * k])
        posed = np.stack([posed[:, 0] + x, 0.6 * k - posed[:, 2], posed[:, 1] + 1.2], -1).astype(float)
        faces.append(body.faces + sum(map(len, vertices)))
        vertices.append(posed)
        bodies.append(Body(table.points(posed), table.triangles, RED))
    seen = view((0.8, -4, 1.4), 1.8)
    tree = BVHTree.FromPolygons(np.concatenate(vertices).tolist(), np.concatenate(faces).tolist())
    eye = seen.camera_to_world[:3, 3]

    def lit(point) -> bool:
        way = point - eye
        length = float(np.linalg.norm(way))
        return tree.ray_cast(eye, way / length)[3] > length - 0.01

    agreed = [
        mask == lit(point)
        for body, shown in zip(bodies, visible(bodies, seen.mvp), strict=True)
        for point, mask in zip(body.points[:128].astype(float), shown[:128], strict=True)
    ]
    assert np.mean(agreed) > 0.85


def test_the_first_points_of_each_are_drawn_in_its_colour_the_hidden_ones_pale_and_below():
    bodies = [ball((0, 0, 1), colour=RED), ball((0, 1.5, 1), 0.3, BLUE)]
    order = np.random.default_rng(0).permutation(len(bodies[0].points))
    bodies[0] = Body(bodies[0].points[order], np.argsort(order)[bodies[0].triangles], RED)
    made = drawing(bodies, view(), 100)
    assert made.points.shape == (200, 3)
    assert made.points.dtype == made.colours.dtype == np.float32
    blue = made.colours[:, 2] == 1
    assert blue.sum() == 100
    assert set(made.colours[blue, 3]) == {np.float32(HIDDEN_ALPHA)}
    assert set(made.colours[~blue, 3]) == {np.float32(HIDDEN_ALPHA), np.float32(SHOWN_ALPHA)}
    assert (np.diff(made.colours[:, 3]) >= 0).all()


def test_nobody_is_drawn_as_nobody():
    made = drawing([], view(), 64)
    assert made.points.shape == (0, 3)
    assert made.canvas.shape == (12, 3)


@pytest.mark.parametrize("place", [(0, -0.3, 1), (0, -0.39, 1.2)])
def test_a_camera_inside_a_character_breaks_nothing(place):
    assert np.isfinite(drawing([ball((0, 0, 1))], view(place), 50).colours).all()
