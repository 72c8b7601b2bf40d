"""Who is in a picture: everybody once, nobody's arm as somebody, and hands where arms end."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_engine.body.fitting.landmarks import LANDMARKS
from isa_engine.detection.crops import around, around_hand, tiles
from isa_engine.detection.mapping import BODY, Seen, scale, sighting
from isa_engine.detection.people import find_people, find_person
from isa_engine.detection.tracking import LOST, SEARCH, track
from tests.detection.sightings import seen, upright

SIZE = (640, 400)


class Crowd:
    """Networks that see the nearest to the middle of a crop of some people; which crop it is they read from
    the pixels, whose red and green count columns and rows."""

    def __init__(self, *people: np.ndarray):
        self.people, self.limbs, self.hands = list(people), [], []

    def body(self, pixels: np.ndarray) -> Seen | None:
        corner = origin(pixels)
        inside = [
            (places, sure)
            for places, sure in [*((p, 0.9) for p in self.people), *((p, 0.7) for p in self.limbs)]
            if within(places.mean(0) - corner, pixels)
        ]
        if not inside:
            return None
        middle = np.array(pixels.shape[1::-1]) / 2 + corner
        places, sure = min(inside, key=lambda one: np.linalg.norm(one[0].mean(0) - middle))
        return seen(places - corner, sure)

    def hand(self, pixels: np.ndarray) -> Seen | None:
        corner = origin(pixels)
        for places in self.hands:
            if within(places.mean(0) - corner, pixels):
                shape = np.concatenate([places, np.zeros((21, 1))], 1) / 300
                return Seen(places - corner, shape, np.ones(21))
        return None


def picture(size=SIZE) -> np.ndarray:
    rows, columns = np.mgrid[: size[1], : size[0]]
    return np.stack([columns // 4, rows // 4, columns % 4 + 4 * (rows % 4)], -1).astype(np.uint8)


def origin(pixels: np.ndarray) -> np.ndarray:
    column, row, rest = map(int, pixels[0, 0])
    return np.array([4 * column + rest % 4, 4 * row + rest // 4], float)


def within(place: np.ndarray, pixels: np.ndarray) -> bool:
    return bool((place >= 0).all() and (place < pixels.shape[1::-1]).all())


def middles(people) -> list[int]:
    return sorted(round(float(person.places[:, 0].mean())) for person in people)


def test_everybody_is_found_once_the_largest_first():
    small, large = upright(100, 150, 120), upright(420, 40, 320)
    found = find_people(picture(), Crowd(small, large))
    assert [round(float(person.places[:, 0].mean())) for person in found] == [420, 100]
    np.testing.assert_allclose(found[0].places, large, atol=0.01)
    assert find_people(picture(), Crowd()) == []


def test_people_who_stand_close_are_two():
    assert middles(find_people(picture(), Crowd(upright(300, 40, 300), upright(400, 50, 300)))) == [300, 400]


def test_what_one_crop_alone_takes_for_somebody_small_is_nobody():
    person = upright(300, 20, 360)
    crowd = Crowd(person)
    crowd.limbs.append(upright(300, 270, 90))
    assert middles(find_people(picture(), crowd)) == [300]


def test_a_box_says_who_is_meant():
    left, right = upright(300, 40, 300), upright(420, 50, 300)
    for middle, places in ((300, left), (420, right)):
        box = np.concatenate([places.min(0), places.max(0)])
        assert middles(find_person(picture(), Crowd(left, right), box)) == [middle]
    assert find_person(picture(), Crowd(left), np.array([560, 10, 620, 100])) == []


def test_a_hand_counts_where_its_own_arm_ends_and_nowhere_else():
    person = upright(300, 40, 330)
    crowd = Crowd(person)
    wrist = person[LANDMARKS.index("left_wrist")]
    crowd.hands.append(wrist + np.linspace(0, 25, 21)[:, None] * [0.4, 1])
    (found,) = find_people(picture(), crowd)
    left, right = found.hands
    assert right is None
    np.testing.assert_allclose(left.places[0], wrist, atol=0.01)
    # Its knuckles are the arm's.
    knuckle = LANDMARKS.index("left_index_knuckle")
    np.testing.assert_allclose(found.places[knuckle], left.places[5], atol=0.01)
    assert np.linalg.norm(person[knuckle] - left.places[5]) > 1


def test_progress_ends_when_all_crops_are_done():
    told = []
    find_people(picture(), Crowd(), lambda done, of: told.append((done, of)))
    assert told[-1] == (len(tiles(SIZE)), len(tiles(SIZE)))
    assert [done for done, _ in told] == list(range(len(told)))


@settings(max_examples=60, deadline=None)
@given(width=st.integers(16, 5000), height=st.integers(16, 5000))
def test_tiles_cover_the_picture_and_stay_in_it(width, height):
    crops = np.array(tiles((width, height)))
    assert (crops[:, :2] >= 0).all()
    assert (crops[:, 2:] <= [width, height]).all()
    assert (crops[0] == [0, 0, width, height]).all()
    assert len(crops) <= 70
    assert len({tuple(crop) for crop in crops.tolist()}) == len(crops)


@settings(max_examples=60, deadline=None)
@given(box=st.tuples(*[st.floats(-500, 1500)] * 4), room=st.floats(1, 3))
def test_a_crop_is_never_empty_and_never_outside(box, room):
    corners = np.array(box).reshape(2, 2)
    crop = around(np.concatenate([corners.min(0), corners.max(0)]), SIZE, room)
    hand = around_hand(corners[0], corners[1], 100.0, SIZE)
    for left, top, right, bottom in (crop, hand):
        assert 0 <= left < right <= SIZE[0]
        assert 0 <= top < bottom <= SIZE[1]


def test_each_of_our_landmarks_is_another_of_mediapipes():
    assert len(set(BODY.tolist())) == len(LANDMARKS)
    # Theirs are odd on the left and even on the right; so are no eyes, which come in three parts each.
    for name, number in zip(LANDMARKS, BODY.tolist(), strict=True):
        if number > 6:
            assert number % 2 == (1 if name.startswith("left") else 0), name


def test_the_scale_is_pixels_a_metre():
    assert scale(seen(upright(300, 40, 340))) == pytest.approx(340 * np.ptp(_HEIGHTS) / 1.7, rel=0.03)
    assert sighting(seen(upright(300, 40, 340)), (None, None)).box()[3] > 350


_HEIGHTS = upright(0, 0, 1)[:, 1]


def test_somebody_keeps_a_number_through_a_video_and_out_of_sight():
    frames = [picture() for _ in range(SEARCH + 3)]
    crowd = Crowd(upright(200, 40, 300))
    numbers = []
    for index, people in enumerate(track(frames, crowd)):
        numbers.append(sorted(people))
        crowd.people[0] = upright(200 + 3 * index, 40, 300)
    assert numbers == [[0]] * len(frames)


def test_who_comes_later_has_another_number_and_two_numbers_never_follow_one_person():
    frames = [picture() for _ in range(2 * SEARCH + 1)]
    crowd = Crowd(upright(150, 40, 300))
    known = []
    for index, people in enumerate(track(frames, crowd)):
        known.append({name: round(float(one.places[:, 0].mean())) for name, one in people.items()})
        if index == SEARCH - 1:
            crowd.people.append(upright(480, 40, 300))
        if index == SEARCH + LOST + 2:
            del crowd.people[0]
    assert known[0] == {0: 150}
    assert known[SEARCH] == {0: 150, 1: 480}
    assert known[-1] == {1: 480}
