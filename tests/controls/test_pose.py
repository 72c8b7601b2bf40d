"""Skeletons: in OpenPose's colours, on the body, ordered by depth, as wide as figures are large."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_engine.body import SMPLX_JOINTS
from isa_engine.controls import pose_pictures
from isa_engine.controls.openpose import BODY, BODY_LIMBS, COLOURS, body_points, hand_points
from isa_engine.controls.pose import draw, skeleton_strokes
from isa_engine.controls.surfaces import see, surface_of
from isa_engine.geometry.ndc import project, to_pixels
from tests.controls.people import SIZE, looking_at, person, shot_of

LARGE = (832, 480)
# As the COCO model of OpenPose lists them, in red, green and blue.
NAMED = {
    "nose": (255, 0, 0),
    "left_wrist": (0, 255, 85),
    "right_hip": (0, 255, 170),
    "left_ear": (255, 0, 85),
}


def pixels(shot, frame, points, size):
    """Where points ``(n, 3)`` are, each in the pixel ``(n, 2)`` that shows it."""
    ndc, _ = project(points.astype(float), shot.mvp[frame])
    return np.floor(to_pixels(ndc, size)).astype(int)


def colours(picture) -> set[tuple[int, ...]]:
    return {tuple(colour) for colour in picture.reshape(-1, 3).tolist()} - {(0, 0, 0)}


def test_each_joint_has_its_colour_where_it_is_and_limbs_are_darker():
    anna = person(motion="walk", frames=(0,))
    shot = shot_of([anna], camera=looking_at((0, -4, 0.2), (0, 0, 0)))
    (picture,) = pose_pictures(shot, LARGE)
    at = pixels(shot, 0, body_points(anna.skeleton[0]), LARGE)
    for name, colour in NAMED.items():
        column, row = at[BODY.index(name)]
        assert tuple(picture[row, column]) == colour
    elbow, wrist = (
        body_points(anna.skeleton[0])[BODY.index(f"left_{joint}")] for joint in ("elbow", "wrist")
    )
    column, row = pixels(shot, 0, ((elbow + wrist) / 2)[None], LARGE)[0]
    limb = BODY_LIMBS.index((BODY.index("left_elbow"), BODY.index("left_wrist")))
    assert tuple(picture[row, column]) == tuple((0.6 * COLOURS[limb]).astype(int))


def test_the_right_of_a_person_is_the_persons_own():
    # One who walks towards us has the right arm on our left.
    anna = person(motion="walk", frames=(0,))
    shot = shot_of([anna], camera=looking_at((0, -4, 0), (0, 0, 0)))
    places = dict(zip(BODY, pixels(shot, 0, body_points(anna.skeleton[0]), SIZE), strict=True))
    facing = np.sign(places["left_shoulder"][0] - places["right_shoulder"][0])
    nose_before_neck = anna.skeleton[0, 55, 1] < anna.skeleton[0, SMPLX_JOINTS.index("neck"), 1]
    assert facing == (1 if nose_before_neck else -1)


@pytest.mark.parametrize("motion", ["dance", "jump", "punch", "run", "swing", "walk"])
def test_nearly_all_joints_lie_on_the_body(motion):
    anna = person(motion=motion, frames=range(0, 48, 6))
    found = []
    for angle in np.radians([0, 70, 140, 215, 290]):
        camera = looking_at((4 * np.sin(angle), -4 * np.cos(angle), 0.6), (0, 0, 0))
        shot = shot_of([anna], camera)
        for frame in range(shot.frames):
            body = see(surface_of(shot, frame), shot.mvp[frame], LARGE).owner == 0
            at = pixels(shot, frame, body_points(anna.skeleton[frame]), LARGE)
            within = ((at >= 0) & (at < LARGE)).all(1)
            found.extend(body[at[within, 1], at[within, 0]])
    assert np.mean(found) >= 0.95


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_what_is_nearer_covers_what_is_farther(seed):
    random = np.random.default_rng(seed)
    # Across the view rather than along it, where depth would change within a pixel.
    middle, way = random.uniform(-0.6, 0.6, (6, 1, 3)), random.uniform(-1, 1, (6, 1, 3)) * [1, 0.3, 1]
    way = 0.6 * way / np.linalg.norm(way, axis=-1, keepdims=True)
    ends = np.concatenate([middle - way, middle + way], 1)
    shot = shot_of([person(frames=(0,))])
    number = draw(ends, np.full(6, 0.1), shot.mvp[0], 100.0, SIZE)
    # Places along every limb, where it is wider than a pixel: whatever is drawn there is no farther away.
    for index, (start, end) in enumerate(ends):
        along = start + np.linspace(0.2, 0.8, 25)[:, None] * (end - start)
        at = pixels(shot, 0, along, SIZE)
        within = ((at >= 0) & (at < SIZE)).all(1)
        for place, (column, row) in zip(along[within], at[within], strict=True):
            drawn = number[row, column]
            if drawn != index:
                assert nearest_depth(shot, ends[drawn], (column, row)) <= place[1] + 4 + 0.1
        assert (number[at[within, 1], at[within, 0]] >= 0).all()


def nearest_depth(shot, ends, pixel) -> float:
    """Metres before the camera of the place of a line that is next to a pixel, tried one by one."""
    along = ends[0] + np.linspace(0, 1, 400)[:, None] * (ends[1] - ends[0])
    ndc, _ = project(along, shot.mvp[0])
    away = np.linalg.norm(to_pixels(ndc, SIZE) - (np.array(pixel) + 0.5), axis=1)
    return float(along[away.argmin(), 1] + 4)


def test_an_arm_before_the_chest_covers_it_and_one_behind_it_is_covered():
    anna = person(frames=(0,))
    chest = np.array([[[-0.3, 0, 0], [0.3, 0, 0]]])
    for behind in (-0.2, 0.2):
        arm = np.array([[[0, behind, -0.3], [0, behind, 0.3]]])
        shot = shot_of([anna])
        number = draw(np.concatenate([chest, arm]), np.full(2, 0.04), shot.mvp[0], 96.0, SIZE)
        assert number[SIZE[1] // 2, SIZE[0] // 2] == (0 if behind > 0 else 1)


@pytest.mark.parametrize("axis", [0, 2])
def test_limbs_are_twice_as_wide_at_half_the_distance_and_of_a_figure_twice_as_large(axis):
    def width(distance, metres):
        line = np.zeros((1, 2, 3))
        line[0, :, axis] = -1.5, 1.5
        line[..., 1] = distance - 4
        shot = shot_of([person(frames=(0,))], size=LARGE)
        number = draw(line, np.array([metres]), shot.mvp[0], 1.6 * LARGE[1] / 2, LARGE)
        across = number[:, LARGE[0] // 2] if axis == 0 else number[LARGE[1] // 2]
        return (across == 0).sum()

    far = width(4.0, 0.05)
    assert far == pytest.approx(2 * 0.05 / 4 * 1.6 * LARGE[1] / 2, abs=1.5)
    assert width(2.0, 0.05) == pytest.approx(2 * far, abs=2)
    assert width(4.0, 0.1) == pytest.approx(2 * far, abs=2)


def test_a_limb_that_reaches_behind_the_camera_is_drawn_as_far_as_it_is_seen():
    shot = shot_of([person(frames=(0,))])
    # From before the camera at (0, −4, 0), down and back past it.
    line = np.array([[[0.0, -2.0, 0.0], [0.0, -5.0, -1.0]]])
    number = draw(line, np.array([0.05]), shot.mvp[0], 96.0, SIZE)
    middle = number[:, SIZE[0] // 2]
    assert (middle[SIZE[1] // 2 + 8 :] == 0).all()
    assert (middle[: SIZE[1] // 2 - 8] == -1).all()
    behind = np.array([[[0.0, -5.0, 0.0], [0.0, -6.0, 0.0]]])
    assert (draw(behind, np.array([0.05]), shot.mvp[0], 96.0, SIZE) == -1).all()


def test_hands_are_drawn_where_the_rig_has_fingers():
    anna = person(frames=(0,))
    without = anna.skeleton.copy()
    without[:, 25:55] = np.nan
    strokes = [len(skeleton_strokes(skeleton[0], 0.02)[0]) for skeleton in (anna.skeleton, without)]
    # 17 limbs and 18 joints; 20 lines and 21 dots a hand, or the dots on the wrists alone.
    assert strokes == [17 + 18 + 2 * (20 + 21), 17 + 18 + 2]
    hand = hand_points(anna.skeleton[0])
    wrist = anna.skeleton[0, SMPLX_JOINTS.index("left_wrist")]
    assert np.array_equal(hand[0, 0], wrist)
    # A tip lies farther from the wrist than the joint before it, by less than that finger's last phalanx.
    reach = np.linalg.norm(hand - hand[:, :1], axis=-1)
    assert (reach[:, [8, 12, 16, 20]] > reach[:, [7, 11, 15, 19]]).all()
    assert np.linalg.norm(hand[:, 8] - hand[:, 7], axis=-1).max() < 0.04


def test_of_who_has_no_face_or_no_skeleton_and_of_who_is_hidden_nothing_is_drawn():
    anna = person(frames=(0, 10))
    faceless = anna.skeleton.copy()
    faceless[:, 55:] = np.nan
    hidden = dataclasses.replace(anna, shown=np.array([False, True]))
    first, second = pose_pictures(shot_of([hidden]), SIZE)
    assert not first.any()
    assert second.any()
    bare = dataclasses.replace(anna, skeleton=None)
    assert not any(picture.any() for picture in pose_pictures(shot_of([bare]), SIZE))
    (picture, _) = pose_pictures(shot_of([dataclasses.replace(anna, skeleton=faceless)]), LARGE)
    assert NAMED["left_wrist"] in colours(picture)
    assert NAMED["left_ear"] not in colours(picture)
    assert picture.shape == (LARGE[1], LARGE[0], 3)
