"""The cameras that a shot is seen through, and when."""

from itertools import groupby
from typing import Any

from ..scene.camera import camera_at


def camera_segments(scene, frame_numbers) -> dict[Any, list[tuple[int, int]]]:
    """For each camera its segments ``(first, last)`` in scene frames, with cuts at timeline markers.

    Args:
        frame_numbers: ``(F,)``, the shot's.

    Raises:
        SceneError: there is no camera at some frame.
    """
    frames = range(int(frame_numbers[0]), int(frame_numbers[-1]) + 1)
    segments: dict = {}
    for camera, group in groupby(frames, lambda frame: camera_at(scene, frame)):
        shown = list(group)
        segments.setdefault(camera, []).append((shown[0], shown[-1]))
    return segments
