"""MediaPipe's landmarks, 33 of a body and 21 of each hand, to a sighting with ours."""

from dataclasses import dataclass

import numpy as np

from isa_engine.body.fitting.landmarks import HAND_FINGERS, LANDMARKS, Hand, Sighting

# Our landmark → MediaPipe's number for it, as its documentation of the pose landmarker lists them.
_BODY = {
    **{"nose": 0, "left_eye": 2, "right_eye": 5, "left_ear": 7, "right_ear": 8},
    **{"left_shoulder": 11, "right_shoulder": 12, "left_elbow": 13, "right_elbow": 14},
    **{"left_wrist": 15, "right_wrist": 16, "left_hip": 23, "right_hip": 24, "left_knee": 25},
    **{"right_knee": 26, "left_ankle": 27, "right_ankle": 28, "left_heel": 29, "right_heel": 30},
    **{"left_big_toe": 31, "right_big_toe": 32, "left_index_knuckle": 19, "right_index_knuckle": 20},
    **{"left_little_knuckle": 17, "right_little_knuckle": 18},
}
BODY = np.array([_BODY[name] for name in LANDMARKS])
BODY_COUNT = 33
_KNUCKLES = {"index_knuckle": "index", "little_knuckle": "pinky"}


@dataclass(frozen=True)
class Seen:
    """A network's answer to one crop: L landmarks, 33 of a body or 21 of a hand.

    Attributes:
        places: ``(L, 2)`` pixels, y down.
        shape: ``(L, 3)`` metres, Y up, −Z ahead.
        sure: ``(L,)`` 0 to 1, how likely each is seen; the landmarks of a hand all have the hand's number.
    """

    places: np.ndarray
    shape: np.ndarray
    sure: np.ndarray

    def moved(self, by: np.ndarray) -> "Seen":
        """The same in pixels of the whole picture, in which the crop's upper left corner is at ``by``."""
        return Seen(self.places + by, self.shape, self.sure)


def sighting(body: Seen, hands: tuple[Seen | None, Seen | None]) -> Sighting:
    """One person, from the body and what was seen of the left and the right hand.

    The hand's network finds knuckles more exactly than the body's: where a hand was seen, its knuckles count.
    """
    places, shape, sure = body.places[BODY].copy(), body.shape[BODY].copy(), body.sure[BODY].copy()
    for side, hand in zip(("left", "right"), hands, strict=True):
        if hand is None:
            continue
        wrist = LANDMARKS.index(f"{side}_wrist")
        for name, finger in _KNUCKLES.items():
            knuckle, own = LANDMARKS.index(f"{side}_{name}"), HAND_FINGERS[finger]
            places[knuckle], sure[knuckle] = hand.places[own], hand.sure[own]
            shape[knuckle] = shape[wrist] + hand.shape[own] - hand.shape[0]
    left, right = (hand and Hand(hand.places, hand.shape) for hand in hands)
    return Sighting(places, shape, sure, (left, right))


def scale(body: Seen) -> float:
    """Pixels that a metre takes up where somebody stands: the landmarks' spread in the picture, in pixels,
    over that of their shape, in metres."""
    flat, seen = body.shape[:, :2] - body.shape[:, :2].mean(0), body.places - body.places.mean(0)
    return float(np.sqrt((seen**2).sum() / max((flat**2).sum(), 1e-6)))
