"""One bar from the click to the plate: what it says never goes back, and it counts all that is before it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isa_blender_addon.session.progress.course import PHASES, Course


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_course_counts_every_phase_before_the_plate():
    course = Course({"read": 5, "background": 100, "start": 8, "denoise": 20, "decode": 4}, Clock())
    assert course.left == 137
    assert course.factor == 0


def test_phases_that_are_not_needed_shorten_it_as_soon_as_that_is_known():
    clock = Clock()
    course = Course({"read": 5, "background": 100, "denoise": 20}, clock)
    course.reach("read", 0, 10)
    clock.now = 5
    course.reach("read", 10, 10)
    assert course.left == 120
    # The background was there already.
    course.reach("check", 0, 10)
    assert course.left == 20


def test_a_phase_that_goes_faster_than_expected_tells_by_its_own_pace():
    clock = Clock()
    course = Course({"denoise": 100}, clock)
    course.reach("denoise", 0, 10)
    clock.now = 5
    course.reach("denoise", 5, 10)
    assert course.left < 30
    clock.now = 9
    course.reach("denoise", 9, 10)
    assert course.left == pytest.approx(1, abs=1)


def test_what_turns_out_to_be_less_shortens_it_and_what_turns_out_to_be_more_does_not_lengthen_it():
    clock = Clock()
    course = Course({"read": 5, "denoise": 200, "decode": 10}, clock)
    course.reach("read", 0, 10)
    clock.now = 5
    course.reach("read", 10, 10)
    course.expect({"denoise": 40, "decode": 10})
    assert course.left == 50
    course.expect({"denoise": 400})
    assert course.left == 50
    course.reach("denoise", 0, 10)
    assert course.left == 50


def test_who_waits_in_the_queue_waits_for_those_before():
    clock = Clock()
    course = Course({"queue": 90, "denoise": 20, "decode": 10}, clock)
    clock.now = 50
    course.reach("queue", ahead=60)
    assert course.left == 90
    course.reach("queue", ahead=2)
    assert course.left == 32, "who was before has been cancelled"


STEPS = st.lists(
    st.tuples(
        st.sampled_from(PHASES),
        st.floats(0, 1),
        st.floats(0.01, 50),
        st.none() | st.floats(0, 100),
        st.integers(0, 40),
    ),
    max_size=40,
)


@given(st.dictionaries(st.sampled_from(PHASES), st.floats(0, 1e4)), STEPS)
def test_whatever_happens_the_time_left_only_falls_and_the_bar_only_rises(expected, steps):
    clock = Clock()
    course = Course(expected, clock)
    left, factor = course.left, course.factor
    for phase, share, seconds, ahead, of in steps:
        clock.now += seconds
        course.reach(phase, int(share * of), of, ahead)
        assert 0 <= course.left <= left
        assert factor - 1e-9 <= course.factor <= 1
        left, factor = course.left, course.factor
        course.expect({phase: seconds * of})
        assert 0 <= course.left <= left
        left, factor = course.left, course.factor
