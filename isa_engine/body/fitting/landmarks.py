"""What a detector sees of somebody in a picture, as points on a body of the SMPL-X layout.

The first of the landmarks are the keypoints that can be marked by hand. Each is carried by one joint, so a
posed body has it wherever that joint is. P counts landmarks; a hand has the 21 of its own.
"""

from dataclasses import dataclass

import numpy as np

from isa_engine.body.fitting.keypoints import HEAD, KEYPOINTS, face_points
from isa_engine.body.model.skeleton import SMPLX_JOINTS

_SIDES = ("left", "right")
LANDMARKS: tuple[str, ...] = (
    *KEYPOINTS,
    *(
        f"{side}_{point}"
        for point in ("big_toe", "heel", "index_knuckle", "little_knuckle")
        for side in _SIDES
    ),
)
# A landmark that is at least so sure, of 1, counts as seen.
_SEEN = 0.5
# A hand's: the wrist, then four of each finger from its root to its tip.
HAND_LANDMARKS = 21
# Index of each finger's first landmark of a hand. The thumb's four are its three joints and its tip; the
# other fingers' are knuckle, two joints and tip.
HAND_FINGERS: dict[str, int] = {"thumb": 1, "index": 5, "middle": 9, "ring": 13, "pinky": 17}
# Where the big toe's tip and the heel are from the ankle, in parts of the way from ankle to ball of the foot:
# how far along the level part of that way, and how far down. Measured on the open body's vertices.
_TOE, _HEEL = (1.38, 0.40), (-0.38, 0.27)
# Where MediaPipe puts its landmarks on a body: millimetres from ours, in the axes of their joint at rest, on
# the left side, which the right side mirrors. Measured on 63 rendered people, from all sides, in motions that
# nothing else here is fitted to.
_DETECTED = {
    **{"nose": (0, 5, -19), "eye": (-4, -1, 1), "ear": (-34, -9, 39), "shoulder": (-20, -3, 0)},
    **{"elbow": (-2, 10, 16), "wrist": (12, 10, 6), "hip": (-16, -16, 16), "knee": (0, -17, -1)},
    **{"ankle": (-8, 22, 6), "big_toe": (0, 17, -25), "heel": (3, 2, 22)},
    **{"index_knuckle": (-14, -6, -1), "little_knuckle": (-8, 1, 9)},
}
_KNUCKLES = {"index_knuckle": "index1", "little_knuckle": "pinky1"}


@dataclass(frozen=True)
class Hand:
    """A hand that was seen.

    Attributes:
        places: ``(21, 2)`` pixels, y down.
        shape: ``(21, 3)`` metres, in the axes of the view (−Z ahead, Y up), from any origin.
    """

    places: np.ndarray
    shape: np.ndarray


@dataclass(frozen=True)
class Sighting:
    """Somebody who was seen in a picture.

    Attributes:
        places: ``(P, 2)`` pixels, y down; those out of the frame or hidden are guesses.
        shape: ``(P, 3)`` metres from the middle of the hips, in axes whose −Z is the ray from the camera to
            the person's middle and whose Y is up.
        sure: ``(P,)`` 0 to 1, how likely each is really seen.
        hands: left and right; None where it was not seen.
    """

    places: np.ndarray
    shape: np.ndarray
    sure: np.ndarray
    hands: tuple[Hand | None, Hand | None]

    def marks(self) -> np.ndarray:
        """Places of the keypoints that are sure, ``(17, 2)`` pixels; NaN for the others. The surest eight are
        always among them."""
        marks, sure = self.places[: len(KEYPOINTS)].copy(), self.sure[: len(KEYPOINTS)]
        marks[sure < min(_SEEN, np.sort(sure)[-8])] = np.nan
        return marks

    def middle(self) -> np.ndarray:
        """The middle of the better seen half of the landmarks, ``(2,)`` pixels."""
        return self.places[self.sure >= np.median(self.sure)].mean(0)

    def box(self) -> np.ndarray:
        """Left, top, right and bottom of what is seen, ``(4,)`` pixels."""
        seen = self.places[self.sure >= min(_SEEN, np.sort(self.sure)[-4])]
        return np.concatenate([seen.min(0), seen.max(0)])


def carriers(rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which joint carries each landmark, ``(P,)``, and the way from it to there at rest, ``(P, 3)`` metres.

    Args:
        rest: ``(55, 3)`` joints at rest, Y up, facing +Z.
    """
    joints, offsets = [HEAD] * 5, list(face_points(rest) - rest[HEAD])
    for name in LANDMARKS[5:]:
        side, _, point = name.partition("_")
        if point in _KNUCKLES:
            joint, knuckle = f"{side}_wrist", SMPLX_JOINTS.index(f"{side}_{_KNUCKLES[point]}")
            offset = rest[knuckle] - rest[SMPLX_JOINTS.index(joint)]
        elif point in ("big_toe", "heel"):
            joint = f"{side}_ankle"
            along = rest[SMPLX_JOINTS.index(f"{side}_foot")] - rest[SMPLX_JOINTS.index(joint)]
            far, low = _TOE if point == "big_toe" else _HEEL
            offset = far * along * [1, 0, 1] - [0, low * np.linalg.norm(along), 0]
        else:
            joint, offset = name, np.zeros(3)
        joints.append(SMPLX_JOINTS.index(joint))
        offsets.append(offset)
    return np.array(joints), np.array(offsets)


def detected_offsets() -> np.ndarray:
    """The way from each of our landmarks to where the detector sees it, ``(P, 3)`` metres, in the axes of
    ``carriers``."""
    offsets = []
    for name in LANDMARKS:
        side, _, point = name.partition("_")
        offsets.append(np.array(_DETECTED[point or name]) * [-1 if side == "right" else 1, 1, 1])
    return np.array(offsets) / 1000
