"""What the detector says is read, kept, and not believed."""

import json

import numpy as np
import pytest

from isa_engine.body.fitting.landmarks import LANDMARKS, Hand, Sighting
from isa_engine.detection.telling import told, understood
from isa_engine.errors import BodyError


def someone() -> Sighting:
    random = np.random.default_rng(4)
    count = len(LANDMARKS)
    hand = Hand(random.uniform(0, 99, (21, 2)), random.normal(0, 0.1, (21, 3)))
    return Sighting(
        random.uniform(0, 999, (count, 2)),
        random.normal(0, 0.5, (count, 3)),
        random.uniform(0, 1, count),
        (None, hand),
    )


def test_a_sighting_is_the_same_after_it_was_told_and_kept():
    before = someone()
    after = understood(json.loads(json.dumps(told(before))))
    np.testing.assert_allclose(after.places, before.places, atol=0.01)
    np.testing.assert_allclose(after.shape, before.shape, atol=1e-4)
    np.testing.assert_allclose(after.sure, before.sure, atol=1e-3)
    assert after.hands[0] is None
    np.testing.assert_allclose(after.hands[1].shape, before.hands[1].shape, atol=1e-4)


def spoilt(**parts) -> dict:
    return {**told(someone()), **parts}


@pytest.mark.parametrize(
    "said",
    [
        None,
        [],
        {},
        spoilt(places=[[1, 2]]),
        spoilt(places="many"),
        spoilt(sure=[float("nan")] * len(LANDMARKS)),
        spoilt(shape=[[1e300] * 3] * len(LANDMARKS)),
        spoilt(hands=[None]),
        spoilt(hands=[{"places": 1}, None]),
        spoilt(hands=3),
    ],
)
def test_nonsense_is_refused_with_a_sentence(said):
    with pytest.raises(BodyError, match="damaged") as failure:
        understood(said)
    assert failure.value.remedy
