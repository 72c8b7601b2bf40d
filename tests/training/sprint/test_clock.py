"""A sprint's time is counted, and nothing in it may take longer than it is given."""

import signal
import time

import pytest

from isa_engine.training.sprint.clock import Clock, Every, TooSlow, within


class Time:
    def __init__(self):
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_the_share_runs_from_the_first_step_to_when_the_end_begins():
    now = Time()
    clock = Clock(10, ending=20, now=now)
    now.seconds += 80
    clock.learning_begins()
    assert clock.share == 0
    now.seconds += 250
    assert clock.share == pytest.approx(0.5)
    assert clock.left == 250
    now.seconds += 400
    assert clock.share == 1
    assert clock.left < 0


def test_a_clock_without_time_left_to_learn_is_over():
    now = Time()
    clock = Clock(1, ending=20, now=now)
    now.seconds += 50
    clock.learning_begins()
    assert clock.share == 1


def test_every_counts_from_when_it_last_was_true():
    now = Time()
    every = Every(60, now)
    told = []
    for _ in range(10):
        now.seconds += 25
        told.append(every())
    assert told == [False, False, True] * 3 + [False]


def test_what_takes_too_long_is_stopped_and_what_does_not_is_not():
    def in_time(seconds: float, given: float) -> None:
        with within(given):
            time.sleep(seconds)

    with pytest.raises(TooSlow):
        in_time(1000, given=0.1)
    in_time(0, given=100)
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0), "nothing rings later"
