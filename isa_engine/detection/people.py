"""Everybody in a picture, from what networks see in its crops.

A person is seen in several crops; those who lie on one another are one. Each is then looked at alone, as
large as can be, and each hand of theirs.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from isa_engine.body.landmarks import Sighting
from isa_engine.detection.crops import around, around_hand, tiles
from isa_engine.detection.mapping import Seen, scale, sighting

# Shares of a person's size: sightings this near one another are of one person, and a hand's wrist this near
# to the arm's is on it.
_SAME, _OWN = 0.2, 0.12
# Landmarks this near one another show the same pose; who is shown so once alone is to be this sure.
_ALIKE, _SURE_ALONE = 0.06, 0.8
# Of this share of another's size, with this share of the box in theirs, somebody is a part of them.
_PART, _INSIDE = 0.7, 0.6
# How sure shoulders and hips are to be: below, it is nobody.
_LEAST_SURE = 0.5
# A person smaller than this in pixels tells no pose.
_SMALLEST = 24.0
# How much larger than an artist's box the crops are in which its person is looked for.
_ROOMS = (1.0, 1.3, 1.6)
# How much larger than somebody the crops are in which they are looked for in the next frame: in tighter ones
# the networks lose people who are seen from the side.
_ROOMS_TO_FOLLOW = (1.8, 2.5)
# MediaPipe's numbers.
_TRUNK, _WRISTS, _KNUCKLES = (11, 12, 23, 24), (15, 16), ((17, 19), (18, 20))


class Networks(Protocol):
    """``detection.networks``, or what stands for it."""

    def body(self, pixels: np.ndarray) -> Seen | None: ...

    def hand(self, pixels: np.ndarray) -> Seen | None: ...


def find_people(
    pixels: np.ndarray, networks: Networks, report: Callable[[int, int], None] = lambda done, of: None
) -> list[Sighting]:
    """Everybody whom the networks see, the largest first.

    Args:
        pixels: ``(H, W, 3)`` uint8 sRGB.
        report: told how many crops of how many are done.
    """
    return [with_hands(pixels, person, networks) for person in people_of(pixels, networks, report)]


def people_of(
    pixels: np.ndarray, networks: Networks, report: Callable[[int, int], None] = lambda done, of: None
) -> list[Seen]:
    """As ``find_people``, without hands."""
    crops = tiles((pixels.shape[1], pixels.shape[0]))
    found = []
    for done, crop in enumerate(crops):
        report(done, len(crops))
        found += _looked_at(pixels, crop, networks)
    report(len(crops), len(crops))
    return sorted(_apart(found), key=_extent, reverse=True)


def with_hands(pixels: np.ndarray, person: Seen, networks: Networks) -> Sighting:
    """Somebody with both hands, each looked for where the arm ends."""
    left, right = (_hand(pixels, person, side, networks) for side in (0, 1))
    return sighting(person, (left, right))


def same(one: Seen, other: Seen) -> bool:
    """Whether two sightings are of one person."""
    return _distance(one, other) < _SAME


def find_person(pixels: np.ndarray, networks: Networks, box: np.ndarray) -> list[Sighting]:
    """Who is in a box, left, top, right and bottom in pixels; nobody or one."""
    size = pixels.shape[1], pixels.shape[0]
    found = [one for room in _ROOMS for one in _looked_at(pixels, around(box, size, room), networks)]
    if not found:
        return []
    person = max(found, key=lambda one: _overlap(_box(one), box) * one.sure.mean())
    return [with_hands(pixels, person, networks)]


def follow(pixels: np.ndarray, before: Seen, networks: Networks) -> Seen | None:
    """The same person in the next frame of a video; None where nobody is seen there."""
    for room in _ROOMS_TO_FOLLOW:
        seen = _body(pixels, around(_box(before), (pixels.shape[1], pixels.shape[0]), room), networks)
        if seen is not None and _distance(seen, before) < 2 * _SAME:
            return seen
    return None


def _body(pixels: np.ndarray, crop: np.ndarray, networks: Networks) -> Seen | None:
    """Somebody in a crop, in the picture's pixels; None for nobody or somebody too small."""
    left, top, right, bottom = crop
    seen = networks.body(pixels[top:bottom, left:right])
    if seen is None or seen.sure[list(_TRUNK)].mean() < _LEAST_SURE:
        return None
    seen = seen.moved(crop[:2])
    return seen if _extent(seen) >= _SMALLEST else None


def _looked_at(pixels: np.ndarray, crop: np.ndarray, networks: Networks) -> list[Seen]:
    """Somebody in a crop, looked at again in a crop of their own if that shows the same person."""
    seen = _body(pixels, crop, networks)
    if seen is None:
        return []
    closer = _body(pixels, around(_box(seen), (pixels.shape[1], pixels.shape[0])), networks)
    return [closer if closer is not None and _distance(closer, seen) < _SAME else seen]


def _hand(pixels: np.ndarray, person: Seen, side: int, networks: Networks) -> Seen | None:
    wrist, knuckles = person.places[_WRISTS[side]], person.places[list(_KNUCKLES[side])].mean(0)
    crop = around_hand(wrist, knuckles, scale(person), (pixels.shape[1], pixels.shape[0]))
    left, top, right, bottom = crop
    seen = networks.hand(pixels[top:bottom, left:right])
    if seen is None:
        return None
    seen = seen.moved(crop[:2])
    own, other = (np.linalg.norm(seen.places[0] - person.places[_WRISTS[k]]) for k in (side, 1 - side))
    return seen if own < _OWN * _extent(person) and own <= other else None


def _apart(found: list[Seen]) -> list[Seen]:
    """Each person once. Whom many crops show alike is somebody; a limb or a fold that one crop takes for a
    person is shown otherwise by the next."""
    alike = np.array([[_off(one, other) < _ALIKE for other in found] for one in found], bool)
    votes = alike.sum(1) if found else np.zeros(0)
    people: list[Seen] = []
    for number in sorted(range(len(found)), key=lambda k: (votes[k], found[k].sure.mean()), reverse=True):
        one = found[number]
        alone = votes[number] < 2 and one.sure.mean() < _SURE_ALONE
        if not alone and all(_distance(one, other) >= _SAME and not _part(one, other) for other in people):
            people.append(_fused([found[k] for k in np.flatnonzero(alike[number])]))
    return people


def _fused(several: list[Seen]) -> Seen:
    """One person, from several crops: the mean of each landmark, those that are surer count for more."""
    sure = np.stack([seen.sure for seen in several])
    weights = (sure + 1e-3) / (sure + 1e-3).sum(0)
    places, shape = (
        (weights[..., None] * np.stack(part)).sum(0)
        for part in ([seen.places for seen in several], [seen.shape for seen in several])
    )
    return Seen(places, shape, sure.mean(0))


def _part(seen: Seen, other: Seen) -> bool:
    """Whether somebody small who lies in another's box is a limb or the clothes of theirs."""
    box, around_it = _box(seen), _box(other)
    inside = _area(_common(box, around_it)) / max(_area(box), 1e-6)
    return inside > _INSIDE and _extent(seen) < _PART * _extent(other)


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    """What two boxes have in common, as a share of both together."""
    common = _area(_common(one, other))
    return common / max(_area(one) + _area(other) - common, 1e-6)


def _common(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.concatenate([np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])])


def _area(box: np.ndarray) -> float:
    width, height = np.maximum(box[2:] - box[:2], 0)
    return float(width * height)


def _off(one: Seen, other: Seen) -> float:
    """How far two sightings' landmarks lie apart, as a share of the larger one's size."""
    off = np.linalg.norm(one.places - other.places, axis=1).mean()
    return float(off / max(_extent(one), _extent(other)))


def _distance(one: Seen, other: Seen) -> float:
    """Between the trunks of two sightings, as a share of the larger one's size."""
    trunk = list(_TRUNK)
    apart = np.linalg.norm(one.places[trunk].mean(0) - other.places[trunk].mean(0))
    return float(apart / max(_extent(one), _extent(other)))


def _box(seen: Seen) -> np.ndarray:
    return np.concatenate([seen.places.min(0), seen.places.max(0)])


def _extent(seen: Seen) -> float:
    """The size of a person in pixels, whichever way it is bent: metres are as large for everybody."""
    return 1.7 * scale(seen)
