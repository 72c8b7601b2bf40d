"""Crashes of all kinds: nothing is lost, nothing is made twice, and every byte is what it would have been.

usage: python -m pytest tests/service/test_crashes.py -m slow      as ``python -m tests.service.crashes``
"""

import pytest

from tests.service.crashes.kills import kill
from tests.service.crashes.suites import SUITES
from tests.service.running import LONG


def test_a_few_kills_lose_nothing_and_change_nothing(tmp_path):
    found = kill(tmp_path, kills=3, seed=5, patience=LONG)
    assert (found.whole, found.jobs) == (True, 6), found
    assert found.struck > 0, "a kill hit a running job"


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("name", SUITES)
def test_a_suite_loses_nothing_or_something_where_a_defence_is_taken_away(tmp_path, name):
    suite = SUITES[name]
    found = []
    for number, trial in enumerate(suite.trials):
        (tmp_path / str(number)).mkdir()
        found.append(trial(tmp_path / str(number)))
    assert all(each.whole == suite.whole for each in found), found
