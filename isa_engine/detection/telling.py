"""Sightings as JSON, as the limited process sends them and a .blend keeps them. Both may have been tampered
with, so every number is checked when it is read.
"""

from typing import Any

import numpy as np

from isa_engine.body.fitting.landmarks import HAND_LANDMARKS, LANDMARKS, Hand, Sighting
from isa_engine.errors import BodyError

# Far beyond any picture, in pixels or metres. Larger numbers are refused: squared, they would overflow.
_LARGEST = 1e6
# Of a video, which takes half a second a frame.
MOST_FRAMES = 20_000
# Decimals that are kept of pixels, of metres and of certainty.
_PIXEL, _METRE, _SURE = 2, 4, 3


def told(sighting: Sighting) -> dict[str, Any]:
    """A sighting as dictionaries and lists, ready for JSON."""
    return {
        "places": sighting.places.round(_PIXEL).tolist(),
        "shape": sighting.shape.round(_METRE).tolist(),
        "sure": sighting.sure.round(_SURE).tolist(),
        "hands": [
            hand
            and {"places": hand.places.round(_PIXEL).tolist(), "shape": hand.shape.round(_METRE).tolist()}
            for hand in sighting.hands
        ],
    }


def understood(said: Any) -> Sighting:
    """A sighting from what ``told`` returned.

    Raises:
        BodyError: it is something else.
    """
    try:
        hands = [
            None
            if hand is None
            else Hand(_array(hand["places"], HAND_LANDMARKS, 2), _array(hand["shape"], HAND_LANDMARKS, 3))
            for hand in said["hands"]
        ]
        left, right = hands
        return Sighting(
            _array(said["places"], len(LANDMARKS), 2),
            _array(said["shape"], len(LANDMARKS), 3),
            _array(said["sure"], len(LANDMARKS)).clip(0, 1),
            (left, right),
        )
    except (TypeError, KeyError, ValueError) as error:
        remedy = "Match the character again."
        raise BodyError("what the detector saw is damaged", remedy=remedy) from error


def _array(numbers: Any, *shape: int) -> np.ndarray:
    array = np.asarray(numbers, np.float64)
    if array.shape != shape or not (np.abs(array) <= _LARGEST).all():
        raise ValueError(f"an array of shape {array.shape}")
    return array
