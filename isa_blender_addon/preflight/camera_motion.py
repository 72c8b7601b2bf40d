"""Camera moves faster than the model was trained on: it blurs the set then (paper, Fig. 17)."""

import math

import numpy as np

from isa_engine.shot import Shot

from .finding import Finding, show

# What 99 of 100 camera paths of the training keep to (``isa_engine.data.scenario.camera_paths``).
TURN_DEGREES, GROWTH = 60.0, math.exp(0.6)
# Degrees between two frames that no camera turns: a cut.
_CUT_DEGREES = 40.0
_INTERVAL_SECONDS = 0.5


def check_camera_motion(shot: Shot) -> list[Finding]:
    """Cuts that are no marker's, turns and zooms; each segment by itself, for its camera moves by itself."""
    return [found for k in range(len(shot.segments)) for found in _check_segment(shot.segment(k))]


def _check_segment(shot: Shot) -> list[Finding]:
    if shot.frames == 1:
        return []
    cuts = np.flatnonzero(turns(shot, 1) > _CUT_DEGREES)
    if len(cuts):
        frame = shot.frame_numbers[cuts[0] + 1]
        text = "The camera jumps at {frame}: frames about it melt. Cut there with a marker camera."
        return [Finding(text, {"frame": frame}, (show(frame),), True)]
    found = []
    interval = min(shot.frames - 1, max(1, round(_INTERVAL_SECONDS * float(shot.fps) / shot.frame_step)))
    seconds = interval * shot.frame_step / float(shot.fps)
    turned = turns(shot, interval)
    if turned.max() > TURN_DEGREES * seconds:
        first, last, degrees = _sweep(shot, turned > TURN_DEGREES * seconds, interval)
        text = (
            "The camera turns {degrees:.0f}° between {first} and {last}: "
            "the model blurs beyond {most:.0f}° a second."
        )
        values = {"degrees": degrees, "first": first, "last": last, "most": TURN_DEGREES}
        found.append(Finding(text, values, (show(first),), True))
    grown = growth(shot, interval)
    if grown.max() > GROWTH**seconds:
        first = shot.frame_numbers[int(grown.argmax())]
        factor = float(grown.max() ** (1 / seconds))
        text = (
            "The camera nears or leaves the cast, or zooms, {factor:.1f} times a second at {frame}: "
            "the model blurs beyond {most:.1f}."
        )
        values = {"factor": factor, "frame": first, "most": GROWTH}
        found.append(Finding(text, values, (show(first),)))
    return found


def turns(shot: Shot, interval: int) -> np.ndarray:
    """Degrees that the camera turns in so many frames: ``(F − interval,)``."""
    rotation = shot.camera_to_world[:, :3, :3]
    trace = np.einsum("fab,fab->f", rotation[:-interval], rotation[interval:])
    return np.degrees(np.arccos(np.clip((trace - 1) / 2, -1, 1)))


def growth(shot: Shot, interval: int) -> np.ndarray:
    """By what factor, at least 1, the cast's surroundings change size in the picture: ``(F − interval,)``.

    The cast's own way to or from the camera does not count.
    """
    centre = np.mean([character.points.mean(1) for character in shot.characters], 0)[:-interval]
    place, focal = shot.camera_to_world[:, :3, 3], shot.intrinsics[:, 1]
    before, after = (
        np.maximum(np.linalg.norm(camera - centre, axis=1), 1e-3)
        for camera in (place[:-interval], place[interval:])
    )
    return np.exp(np.abs(np.log(focal[interval:] / after) - np.log(focal[:-interval] / before)))


def _sweep(shot: Shot, fast: np.ndarray, interval: int) -> tuple[int, int, float]:
    """First and last scene frame of the first fast stretch, and the degrees turned in it, frame by frame."""
    first = int(np.argmax(fast))
    length = int(np.argmin(fast[first:])) if not fast[first:].all() else len(fast) - first
    last = min(first + length - 1 + interval, shot.frames - 1)
    degrees = turns(shot, 1)[first:last].sum()
    return shot.frame_numbers[first], shot.frame_numbers[last], float(degrees)
