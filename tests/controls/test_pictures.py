"""Depth, normals and masks: of shapes whose answer is known, and against another way of drawing."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from isa_engine.controls import CONTROLS, box_masks, depth_pictures, grown_masks, normal_pictures
from isa_engine.controls.masks import grown
from isa_engine.controls.surfaces import see, surface_of
from isa_engine.geometry.normal_maps import normal_maps, point_normals
from isa_engine.shot import Character
from tests.controls.people import SIZE, heap, person, rays, shot_of
from tests.geometry.meshes import ellipsoid

LARGE = (416, 240)
sizes = st.tuples(st.integers(1, 90), st.integers(1, 60))


@given(st.sampled_from(sorted(CONTROLS)), sizes)
def test_every_control_is_of_the_canvas_to_the_pixel(name, size):
    shot = shot_of([heap(*ellipsoid(around=8, along=6))], size=size)
    (picture,) = CONTROLS[name](shot, size)
    assert picture.shape == (size[1], size[0], 3)
    assert picture.dtype == np.uint8


@pytest.mark.parametrize("name", sorted(CONTROLS))
def test_where_nobody_is_everything_is_black(name):
    behind = shot_of([person(frames=(0, 10), place=(0.0, -9.0, 0.0))])
    pictures = list(CONTROLS[name](behind, SIZE))
    assert len(pictures) == 2
    assert not any(picture.any() for picture in pictures)


def test_depth_of_a_ball_is_that_of_the_ball_and_its_nearest_point_is_white():
    ball = heap(*ellipsoid((0.8, 0.8, 0.8), around=160, along=120))
    shot = shot_of([ball])
    (picture,) = depth_pictures(shot, SIZE)
    origin, way = rays(shot, 0, SIZE)
    # |origin + d · way| = 0.8, for the smaller d.
    square, half = (way**2).sum(-1), way @ origin
    under = half**2 - square * (origin @ origin - 0.8**2)
    # The outermost pixels lie between the ball and what its triangles leave out of it.
    inner = under > 0.02 * under.max()
    expected = 255 * (4 - 0.8) / ((-half[inner] - np.sqrt(under[inner])) / square[inner])
    assert np.abs(picture[..., 0][inner] - expected).max() <= 1
    assert not picture[under < 0].any()
    assert picture.max() == 255


def test_who_walks_away_darkens_and_the_scale_is_the_shots():
    near, far = ellipsoid((0.4,) * 3), ellipsoid((0.4,) * 3, (0, 2.0, 0))
    points = np.stack([near[0], far[0]]).astype(np.float32)
    ball = Character("Ball", points, near[1].astype(np.int32))
    first, second = depth_pictures(shot_of([ball]), SIZE)
    middle = SIZE[1] // 2, SIZE[0] // 2
    assert first[middle][0] == pytest.approx(255, abs=1)
    assert second[middle][0] == pytest.approx(255 * 3.6 / 5.6, abs=2)


def set_behind(shot, centre, normal):
    """The shot before a plane, with how far away that is in each pixel."""
    depths = []
    for frame in range(shot.frames):
        origin, way = rays(shot, frame, SIZE)
        with np.errstate(divide="ignore"):
            depth = (np.array(centre) - origin) @ normal / (way @ normal)
        depths.append(np.where(depth > 0, depth, np.inf))
    return replace(shot, background=b"video", background_depth=np.array(depths, np.float16))


def test_before_a_set_the_nearer_of_set_and_cast_is_seen_and_the_sky_is_black():
    ball = heap(*ellipsoid((0.8,) * 3, around=160, along=120))
    alone = shot_of([ball])
    # The ground cuts the ball, and comes to the camera.
    shot = set_behind(alone, (0, 0, -0.3), np.array([0, 0, 1.0]))
    (picture,) = depth_pictures(shot, SIZE)
    seen, ground = see(surface_of(alone, 0), alone.mvp[0], SIZE).depth, shot.background_depth[0]
    assert (seen < ground).any()
    assert ((ground < seen) & np.isfinite(seen)).any()
    nearest = np.minimum(seen, ground)
    white = min(3.2, float(ground.min()))
    assert np.abs(picture[..., 0] - 255 * white / nearest).max() <= 0.5 + 255 * 1e-3
    assert not picture[np.isinf(nearest)].any()
    assert np.isinf(nearest).any()
    assert picture.max() == 255
    # Where the cast is alone, it is as it was, in another scale.
    (before,) = depth_pictures(alone, SIZE, white=white)
    assert np.array_equal(before[seen < ground], picture[seen < ground])


def test_a_set_that_stands_still_is_told_once_and_seen_on_all_frames():
    moves = np.stack([ellipsoid((0.4,) * 3, (x, 0, 0))[0] for x in (-1, 1)]).astype(np.float32)
    ball = Character("Ball", moves, ellipsoid((0.4,) * 3)[1].astype(np.int32))
    told = set_behind(shot_of([ball]), (0, 3.0, 0), np.array([0, 1.0, 0]))
    assert np.array_equal(*told.background_depth)
    once = replace(told, background_depth=told.background_depth[:1])
    pictures = list(depth_pictures(once, SIZE))
    assert all(map(np.array_equal, pictures, depth_pictures(told, SIZE)))
    assert np.array_equal(pictures[1], *depth_pictures(once, SIZE, [1]))
    # The wall at seven metres, the balls' fronts at 3.6.
    assert pictures[0][0, 0, 0] == pictures[1][0, 0, 0] == pytest.approx(255 * 3.6 / 7, abs=1)


def test_at_another_size_a_pixel_has_the_depth_of_the_canvas_there():
    shot = set_behind(shot_of([person(frames=(0,), place=(0, -9, 0))]), (0, 3.0, 0), np.array([0.5, 1, 0.2]))
    (picture,) = depth_pictures(shot, SIZE)
    (large,) = depth_pictures(shot, (3 * SIZE[0], 2 * SIZE[1]))
    assert np.array_equal(large, picture.repeat(2, 0).repeat(3, 1))


def test_normals_of_a_ball_point_from_its_middle():
    ball = heap(*ellipsoid(around=160, along=120))
    shot = shot_of([ball])
    seen = see(surface_of(shot, 0), shot.mvp[0], SIZE)
    (picture,) = normal_pictures(shot, SIZE)
    there = seen.owner == 0
    origin, way = rays(shot, 0, SIZE)
    places = origin + seen.depth[there][:, None] * way[there]
    expected = places @ shot.camera_to_world[0, :3, :3]
    found = picture[there] / 127.5 - 1
    assert np.abs(found - expected).max() < 0.03
    assert not picture[~there].any()


def test_normals_of_people_are_those_that_the_model_is_trained_on():
    anna = person(frames=(0,))
    shot = shot_of([anna], size=LARGE)
    (picture,) = normal_pictures(shot, LARGE)
    points = torch.tensor(anna.points)
    turned = point_normals(points, torch.tensor(anna.triangles).long())
    cameras = torch.tensor(shot.intrinsics), torch.tensor(shot.camera_to_world)
    theirs = normal_maps(points[:, None], turned[:, None], *cameras, *LARGE[::-1])[0].permute(1, 2, 0).numpy()
    both = picture.any(-1) & theirs.any(-1)
    agreement = ((picture / 127.5 - 1)[both] * theirs[both]).sum(-1)
    assert both.sum() > 1000
    # Discs are flat, triangles between normals are not.
    assert np.median(agreement) > 0.95


masks = arrays.arrays(bool, st.tuples(st.integers(1, 14), st.integers(1, 14)))


@given(masks, st.floats(0, 20))
def test_a_grown_mask_is_all_within_its_radius(mask, radius):
    rows, columns = np.nonzero(mask)
    y, x = np.indices(mask.shape)
    away = (y[..., None] - rows) ** 2 + (x[..., None] - columns) ** 2
    assert np.array_equal(grown(mask, radius), (away <= radius**2).any(-1))


def test_masks_hold_the_body_boxes_hold_masks_and_both_grow_with_the_figure():
    anna, ben = person(), person("Ben", "walk", place=(0.9, 0.5, 0.0))
    shot = shot_of([anna, ben])
    pictures = zip(grown_masks(shot, SIZE), box_masks(shot, SIZE), strict=True)
    for frame, (mask, boxes) in enumerate(pictures):
        body = see(surface_of(shot, frame), shot.mvp[frame], SIZE).owner >= 0
        assert (mask[body] == 255).all()
        assert (boxes[mask == 255] == 255).all()
        assert body.mean() < (mask[..., 0] == 255).mean() < (boxes[..., 0] == 255).mean() < 0.6
        assert set(np.unique(mask)) == set(np.unique(boxes)) == {0, 255}


def test_a_box_is_the_least_about_a_figures_mask_and_of_any_frame_alone_as_in_the_whole():
    shot = shot_of([person(motion="walk", frames=(0, 10, 20))])
    pictures = list(box_masks(shot, SIZE))
    for frame, (mask, box) in enumerate(zip(grown_masks(shot, SIZE), pictures, strict=True)):
        mask = mask[..., 0] > 0
        assert np.array_equal(box[..., 0] > 0, mask.any(1)[:, None] & mask.any(0))
        assert np.array_equal(next(box_masks(shot, SIZE, [frame])), box)
    assert not np.array_equal(pictures[0], pictures[2])


def test_the_room_for_hair_and_cloth_is_twice_as_wide_at_half_the_distance():
    def room(distance):
        ball = heap(*ellipsoid((0.4,) * 3, (0, distance - 4, 0)))
        shot = shot_of([ball], size=LARGE)
        (mask,) = grown_masks(shot, LARGE)
        body = see(surface_of(shot, 0), shot.mvp[0], LARGE).owner == 0
        middle = LARGE[1] // 2
        return ((mask[middle, :, 0] == 255).sum() - body[middle].sum()) / 2

    assert room(4.0) > 4
    assert room(2.0) == pytest.approx(2 * room(4.0), abs=2)
