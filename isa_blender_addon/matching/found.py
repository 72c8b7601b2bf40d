"""Who was found in a member's picture, and which of them it is: kept with the member, of one picture."""

import json
from dataclasses import dataclass

import numpy as np

from isa_engine.body.fitting.fitting import Fit, fit_pose, settled
from isa_engine.body.fitting.landmarks import Sighting
from isa_engine.detection.detector import Detector
from isa_engine.detection.telling import told, understood
from isa_engine.errors import BodyError, SceneError

# Shares of a box: found again in an artist's, somebody is who was there; and is another member's already.
_SAME = 0.5


@dataclass(frozen=True)
class Found:
    """Who is in a picture.

    Attributes:
        people: as the detector saw them, the largest first.
        which: who of them the member is.
        sighting: of that one, settled on the member's body: what a fit goes by.
    """

    people: list[Sighting]
    which: int
    sighting: Sighting


@dataclass(frozen=True)
class Wish:
    """Who is looked for.

    Attributes:
        known: who was found before; looked for again if nobody was.
        which: of the known; None: the largest who is nobody else's.
        box: left, top, right and bottom in pixels, where to look for one; None: everywhere.
        taken: boxes of those who are other members, pixels.
    """

    known: list[Sighting]
    which: int | None
    box: np.ndarray | None
    taken: list[np.ndarray]


def find(
    detector: Detector,
    encoded: bytes,
    name: str,
    wish: Wish,
    rest: np.ndarray,
    size: tuple[int, int],
    intrinsics: np.ndarray,
) -> tuple[Found, Fit]:
    """Find people in a picture and fit a body to one; nothing of Blender's, so that a thread may do it.

    Args:
        name: of the character, for errors.
        rest, size, intrinsics: as of ``body.fitting.fit_pose``.

    Raises:
        SceneError: nobody is there.
        EngineError: the detector failed.
        BodyError: no pose fits.
    """
    people, which = wish.known, wish.which
    if wish.box is not None:
        seen = detector.picture(encoded, name, wish.box)
        people = [one for one in people if _common(one.box(), wish.box) < _SAME] + seen
        which = len(people) - 1 if seen else None
        people = people if seen else []
    elif which is None:
        people = detector.picture(encoded, name)
    if not people:
        raise SceneError(
            "nobody is found in the picture",
            where="reference picture of '{name}'",
            remedy="Draw a box around the person, or mark the joints by hand.",
            name=name,
        )
    if which is None:
        free = [number for number, one in enumerate(people) if not _is_taken(one, wish.taken)]
        which = free[0] if free else 0
    sighting = settled(rest, people[which], size, intrinsics)
    return Found(people, which, sighting), fit_pose(rest, sighting.marks(), size, intrinsics, sighting)


def keep(member, found: Found | None) -> None:
    """Keep with a member who was found; None: nobody."""
    member.found = (
        json.dumps(
            {
                "picture": member.picture,
                "people": [told(one) for one in found.people],
                "which": found.which,
                "sighting": told(found.sighting),
            },
            separators=(",", ":"),
        )
        if found
        else ""
    )


def kept(member) -> Found | None:
    """Who was found in a member's picture; None where nobody was, or in another picture."""
    if not member.found:
        return None
    try:
        said = json.loads(member.found)
        people, which = [understood(one) for one in said["people"]], int(said["which"])
        of_this = said["picture"] == member.picture and 0 <= which < len(people)
        return Found(people, which, understood(said["sighting"])) if of_this else None
    except (ValueError, TypeError, KeyError, RecursionError, BodyError):
        return None


def at(people: list[Sighting], place: np.ndarray) -> int | None:
    """Who is meant by a click, in pixels: the smallest in whose box it lies; None for nobody."""
    boxes = [one.box() for one in people]
    inside = [k for k, box in enumerate(boxes) if (box[:2] <= place).all() and (place <= box[2:]).all()]
    return min(inside, key=lambda k: float(np.prod(boxes[k][2:] - boxes[k][:2])), default=None)


def _is_taken(one: Sighting, taken: list[np.ndarray]) -> bool:
    return any(_common(one.box(), other) > _SAME for other in taken)


def _common(one: np.ndarray, other: np.ndarray) -> float:
    """What two boxes have in common, as a share of the smaller one."""
    sides = np.maximum(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0)
    least = min(np.prod(one[2:] - one[:2]), np.prod(other[2:] - other[:2]))
    return float(np.prod(sides) / max(least, 1e-6))
