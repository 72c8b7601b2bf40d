"""MediaPipe's networks for bodies and hands: pixels to landmarks, one person or one hand a crop.

The release of MediaPipe that is used is the last whose wheel contains the networks, so nothing is downloaded.
Only the limited process imports this module.
"""

import mediapipe
import numpy as np

from isa_engine.detection.mapping import Seen

# With a lower threshold, of 1, the networks see people in furniture.
_CONFIDENCE = 0.5
# From MediaPipe's axes of a body (x right, y down, z away) to a view's (Y up, −Z ahead).
_TO_VIEW = np.array([1.0, -1.0, -1.0])


class MediaPipe:
    """MediaPipe's network for bodies and its network for hands, loaded."""

    def __init__(self) -> None:
        self._body = mediapipe.solutions.pose.Pose(
            static_image_mode=True, model_complexity=1, min_detection_confidence=_CONFIDENCE
        )
        self._hand = mediapipe.solutions.hands.Hands(
            static_image_mode=True, max_num_hands=1, model_complexity=1, min_detection_confidence=_CONFIDENCE
        )

    def body(self, pixels: np.ndarray) -> Seen | None:
        """The most visible person of a crop ``(H, W, 3)`` uint8 sRGB."""
        seen = self._body.process(np.ascontiguousarray(pixels))
        if seen.pose_landmarks is None:
            return None
        flat, world = seen.pose_landmarks.landmark, seen.pose_world_landmarks.landmark
        return _seen(pixels, flat, world, [point.visibility for point in flat])

    def hand(self, pixels: np.ndarray) -> Seen | None:
        """The most visible hand of a crop ``(H, W, 3)`` uint8 sRGB, left or right."""
        seen = self._hand.process(np.ascontiguousarray(pixels))
        if not seen.multi_hand_landmarks:
            return None
        flat, world = seen.multi_hand_landmarks[0].landmark, seen.multi_hand_world_landmarks[0].landmark
        score = seen.multi_handedness[0].classification[0].score
        return _seen(pixels, flat, world, [score] * len(flat))


def _seen(pixels: np.ndarray, flat, world, sure: list[float]) -> Seen:
    height, width = pixels.shape[:2]
    places = np.array([[point.x * width, point.y * height] for point in flat])
    shape = np.array([[point.x, point.y, point.z] for point in world]) * _TO_VIEW
    return Seen(places, shape, np.clip(sure, 0, 1))
