"""The cameras that a shot is seen through, and when."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from ..language.translation import said, words
from ..scene.camera import camera_at, cuts

# A scene's custom properties: first and last frame and step of its plate; the frames on which the plate
# cuts, and those on which the scene did as the plate came in.
_FRAMES, _CUTS, _SHOWN = "isa_plate_frames", "isa_plate_cuts", "isa_plate_shown_cuts"


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


def keep_cuts(scene, frame_numbers, of_plate: tuple[int, ...] | None) -> None:
    """Remember with the scene where its plate cuts, for ``moved_cuts``.

    Args:
        frame_numbers: ``(F,)`` scene frames of the plate.
        of_plate: as ``Shot.cuts``; None: nobody knows, or there is no plate any more.
    """
    for key in (_FRAMES, _CUTS, _SHOWN):
        scene.pop(key, None)
    if of_plate is None:
        return
    step = int(frame_numbers[1] - frame_numbers[0]) if len(frame_numbers) > 1 else 1
    scene[_FRAMES] = [int(frame_numbers[0]), int(frame_numbers[-1]), step]
    scene[_CUTS] = [int(frame_numbers[cut]) for cut in of_plate]
    scene[_SHOWN] = [int(frame_numbers[cut]) for cut in cuts(scene, frame_numbers)]


def moved_cuts(scene) -> str:
    """A sentence where markers cut the frames of the plate otherwise than the plate is cut, or than it is
    shown; empty: they do not, or nobody knows."""
    if _FRAMES not in scene:
        return ""
    first, last, step = scene[_FRAMES]
    frames = range(first, last + 1, step)
    now = [frames[cut] for cut in cuts(scene, frames)]
    if now != (then := [*scene[_CUTS]]):
        other = (
            "The plate cuts at {then}, and the scene's markers at {now}: move them back, or "
            "generate it again."
        )
        return said(other, then=_listed(then), now=_listed(now))
    if now != [*scene[_SHOWN]]:
        return "The markers are where the plate cuts again, and it is shown as before: show the take again."
    return ""


def _listed(frames: Iterable[int]) -> str:
    numbers = ", ".join(map(str, frames))
    return words("frame {numbers}", numbers=numbers) if numbers else words("no frame")
