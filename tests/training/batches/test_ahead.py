"""Made ahead or not, the batches are the same."""

import threading

import pytest

from isa_engine.training.batches.ahead import Ahead


@pytest.mark.parametrize("depth", [0, 1, 4])
@pytest.mark.parametrize("order", [range(10), range(0, 20, 2), [5, 3, 3, 9, 10, 2]], ids=str)
def test_what_comes_is_what_was_asked_for(depth, order):
    ahead = Ahead(lambda number: f"batch {number}", depth, stride=2)
    assert [ahead(number) for number in order] == [f"batch {number}" for number in order]


def test_the_next_batches_are_made_while_the_last_one_is_used():
    made = {number: threading.Event() for number in range(4)}

    def make(number):
        made[number].set()

    Ahead(make, depth=3)(0)
    assert all(event.wait(100) for event in made.values())


def test_what_goes_wrong_reaches_whoever_asks():
    def make(number):
        if number == 1:
            raise ValueError("no such clip")
        return number

    ahead = Ahead(make, depth=2)
    assert ahead(0) == 0
    with pytest.raises(ValueError, match="no such clip"):
        ahead(1)
    assert ahead(2) == 2
