"""Views in which the model was seen to lose its people: too small, too large, from too high or too low."""

import numpy as np

from isa_engine.configuration.limits import Limits, limits_of
from isa_engine.geometry.viewpoint import focal_length, viewpoint
from isa_engine.shot import Character, Shot

from .finding import Finding, show, spans
from .framing import in_frame

# What was measured stands for what lies beside it as well: by this factor, and by so many degrees.
_BESIDE, _BESIDE_DEGREES = 1.2, 5.0


def check_viewpoint(shot: Shot) -> list[Finding]:
    """Who is seen as the model was never seen to obey, and when; nothing where its limits are not known."""
    limits = limits_of(shot.settings.model)
    if limits is None:
        return []
    found = [finding for character in shot.characters for finding in _of(shot, character, limits)]
    found += _lens(shot, limits)
    return found


def _of(shot: Shot, character: Character, limits: Limits) -> list[Finding]:
    # Who is off the frame is no concern of the model's.
    seen = character.visible & in_frame(shot, character)[0].any(1)
    places = character.points.astype(np.float64).mean(1)
    view = viewpoint(shot.intrinsics, shot.camera_to_world, places, shot.settings.height)
    (small, large), (below, above) = limits.size, limits.elevation
    checks = [
        (
            "{name} is {value:.0f} pixels tall in the plate at {frames}: {model} was seen to paint people "
            "from {limit:.0f} pixels on. Go nearer, or use a longer lens.",
            view.size < small / _BESIDE,
            view.size,
            small,
        ),
        (
            "{name} would be {value:.0f} pixels tall in the plate at {frames}: {model} was seen to paint "
            "people up to {limit:.0f} pixels. Go further away, or use a shorter lens.",
            view.size > large * _BESIDE,
            view.size,
            large,
        ),
        (
            "The camera looks down on {name} by {value:.0f}° at {frames}: {model} was seen to obey up to "
            "{limit:.0f}°.",
            view.elevation > above + _BESIDE_DEGREES,
            view.elevation,
            above,
        ),
        (
            "The camera looks up at {name} by {value:.0f}° at {frames}: {model} was seen to obey up to "
            "{limit:.0f}°.",
            view.elevation < below - _BESIDE_DEGREES,
            -view.elevation,
            -below,
        ),
    ]
    return [
        _finding(shot, text, beyond & seen, measured, limit, character.name)
        for text, beyond, measured, limit in checks
        if (beyond & seen).any()
    ]


def _lens(shot: Shot, limits: Limits) -> list[Finding]:
    lens, (wide, long) = focal_length(shot.intrinsics), limits.lens
    checks = [
        (
            "The lens has {value:.0f} mm at {frames}: {model} was seen to obey from {limit:.0f} mm on.",
            lens < wide / _BESIDE,
            wide,
        ),
        (
            "The lens has {value:.0f} mm at {frames}: {model} was seen to obey up to {limit:.0f} mm.",
            lens > long * _BESIDE,
            long,
        ),
    ]
    return [_finding(shot, text, beyond, lens, limit) for text, beyond, limit in checks if beyond.any()]


def _finding(
    shot: Shot, text: str, beyond: np.ndarray, measured: np.ndarray, limit: float, name: str = ""
) -> Finding:
    frame = int(np.argmax(beyond))
    values = {
        "name": name,
        "value": float(measured[frame]),
        "frames": spans(shot.frame_numbers, beyond),
        "model": shot.settings.model,
        "limit": float(limit),
    }
    return Finding(text, values, (show(shot.frame_numbers[frame], name),))
