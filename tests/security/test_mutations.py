"""Every row of the threat model has a defence in the code, and a test that notices where it is missing."""

import re
from collections import defaultdict

import pytest

from tests.security.defences import DEFENCES
from tests.security.mutations import ROOT, location, unnoticed


def rows() -> dict[str, set[str]]:
    """The tests that each row of ``docs/security.md`` names, slow ones left out, by its threat."""
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    found = {}
    # The first table of the document; others follow.
    for line in text.partition("|---")[2].partition("\n\n")[0].splitlines()[1:]:
        if line.startswith("|"):
            _, threat, _, tests, _ = line.split("|")
            named = re.findall(r"(\*slow\* )?`([\w/]+\.py(?:::\w+)?)`", tests)
            found[threat.strip()] = {location(test) for slow, test in named if not slow}
    return found


# Only many clients, or a document that is tried at random, show what these rows claim; their tests are slow.
MEASURED = {"many clients at once", "requests that nobody thought of"}


def test_every_row_has_a_defence_that_can_be_taken_out_and_no_defence_is_of_another_row():
    assert {defence.threat for defence in DEFENCES} == set(rows()) - MEASURED


def test_each_defence_is_guarded_by_a_test_of_its_row():
    for defence in DEFENCES:
        named = rows()[defence.threat]
        test = location(defence.test)
        assert test in named or test.partition("::")[0] in named, defence


def test_what_is_taken_out_is_there_once():
    texts = defaultdict(str)
    for defence in DEFENCES:
        texts[defence.file] = texts[defence.file] or (ROOT / defence.file).read_text(encoding="utf-8")
        assert texts[defence.file].count(defence.old) == 1, defence
        assert defence.old != defence.new


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_no_defence_can_be_taken_out_unnoticed():
    assert unnoticed() == []
