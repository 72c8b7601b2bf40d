"""MediaPipe's landmarks as ours: 33 of a body and 21 of each hand, as one sighting."""

from dataclasses import dataclass

import numpy as np

from isa_engine.body.landmarks import HAND_FINGERS, LANDMARKS, Hand, Sighting

# MediaPipe's number of each of ours, as its documentation of the pose landmarker lists them.
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
    """What a network saw; L is 33 of a body, 21 of a hand.

    Attributes:
        places: ``(L, 2)`` pixels, y down.
        shape: ``(L, 3)`` metres, Y up, −Z ahead.
        sure: ``(L,)`` 0 to 1; of a hand, all as the whole hand.
    """

    places: np.ndarray
    shape: np.ndarray
    sure: np.ndarray

    def moved(self, by: np.ndarray) -> "Seen":
        """The same in a picture in which the crop begins at these pixels."""
        return Seen(self.places + by, self.shape, self.sure)


def sighting(body: Seen, hands: tuple[Seen | None, Seen | None]) -> Sighting:
    """One person, from the body and what was seen of the left and the right hand.

    The network of hands sees knuckles better than that of bodies, so its knuckles count where there are any.
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
    """Pixels a metre where somebody stands: the picture's extent over the shape's."""
    flat, seen = body.shape[:, :2] - body.shape[:, :2].mean(0), body.places - body.places.mean(0)
    return float(np.sqrt((seen**2).sum() / max((flat**2).sum(), 1e-6)))
