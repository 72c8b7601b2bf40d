"""Everybody in a picture, from what the networks see in its crops.

The same person is seen in several crops: sightings that lie on one another are one person's. Each person is
then looked at again in a crop of their own, and so is each of their hands.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from isa_engine.body.fitting.landmarks import Sighting
from isa_engine.detection.crops import around, around_hand, tiles
from isa_engine.detection.mapping import Seen, scale, sighting

# Distances as shares of a person's size. Two sightings whose trunks are nearer than the first are of one
# person; a hand whose wrist is nearer to an arm's than the second belongs to that arm.
_SAME, _OWN = 0.2, 0.12
# Two sightings whose landmarks are nearer than the first, on average, show the same pose. A pose that only
# one crop shows counts only if it is at least as sure as the second.
_ALIKE, _SURE_ALONE = 0.06, 0.8
# A sighting that is smaller than the first share of another, with more than the second share of its box in
# the other's, is no person but a limb or clothes of the other.
_PART, _INSIDE = 0.7, 0.6
# Where shoulders and hips are less sure than this on average, nobody is seen.
_LEAST_SURE = 0.5
# Pixels: the pose of a smaller person cannot be told.
_SMALLEST = 24.0
# The person in an artist's box is looked for in crops so many times as large as the box.
_ROOMS = (1.0, 1.3, 1.6)
# A person is looked for in the next frame in crops so many times as large as their box was: in tighter ones
# the networks lose people who are seen from the side.
_ROOMS_TO_FOLLOW = (1.8, 2.5)
# MediaPipe's numbers of these landmarks.
_TRUNK, _WRISTS, _KNUCKLES = (11, 12, 23, 24), (15, 16), ((17, 19), (18, 20))


class Networks(Protocol):
    """What is asked of ``detection.networks.MediaPipe``; tests have another."""

    def body(self, pixels: np.ndarray) -> Seen | None: ...

    def hand(self, pixels: np.ndarray) -> Seen | None: ...


def find_people(
    pixels: np.ndarray, networks: Networks, report: Callable[[int, int], None] = lambda done, of: None
) -> list[Sighting]:
    """Everybody whom the networks see, the largest first.

    Args:
        pixels: ``(H, W, 3)`` uint8 sRGB.
        report: called with how many crops are done, and how many there are.
    """
    return [with_hands(pixels, person, networks) for person in people_of(pixels, networks, report)]


def people_of(
    pixels: np.ndarray, networks: Networks, report: Callable[[int, int], None] = lambda done, of: None
) -> list[Seen]:
    """As ``find_people``, but bodies only."""
    crops = tiles((pixels.shape[1], pixels.shape[0]))
    found = []
    for done, crop in enumerate(crops):
        report(done, len(crops))
        found += _looked_at(pixels, crop, networks)
    report(len(crops), len(crops))
    return sorted(_apart(found), key=_extent, reverse=True)


def with_hands(pixels: np.ndarray, person: Seen, networks: Networks) -> Sighting:
    """A person's sighting, with the hands that are found where the arms end."""
    left, right = (_hand(pixels, person, side, networks) for side in (0, 1))
    return sighting(person, (left, right))


def same(one: Seen, other: Seen) -> bool:
    """Whether two answers of the network show one person."""
    return _distance(one, other) < _SAME


def find_person(pixels: np.ndarray, networks: Networks, box: np.ndarray) -> list[Sighting]:
    """The person in a box ``(4,)`` (left, top, right, bottom, pixels); an empty list if nobody is found."""
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
    """The person in a crop, in the picture's pixels; None for nobody, or somebody who is too small."""
    left, top, right, bottom = crop
    seen = networks.body(pixels[top:bottom, left:right])
    if seen is None or seen.sure[list(_TRUNK)].mean() < _LEAST_SURE:
        return None
    seen = seen.moved(crop[:2])
    return seen if _extent(seen) >= _SMALLEST else None


def _looked_at(pixels: np.ndarray, crop: np.ndarray, networks: Networks) -> list[Seen]:
    """Who is in a crop, nobody or one, as a second look in a crop of their own shows them; as the first look
    does, if the second shows another person or nobody."""
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
    """Each person once. A person looks the same in many crops; a limb or a fold of cloth that one crop takes
    for a person looks different in the next, so what only one crop shows must be very sure."""
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
    """One person from several crops: of each landmark the mean, weighted by how sure each crop is of it."""
    sure = np.stack([seen.sure for seen in several])
    weights = (sure + 1e-3) / (sure + 1e-3).sum(0)
    places, shape = (
        (weights[..., None] * np.stack(part)).sum(0)
        for part in ([seen.places for seen in several], [seen.shape for seen in several])
    )
    return Seen(places, shape, sure.mean(0))


def _part(seen: Seen, other: Seen) -> bool:
    """Whether a small sighting within another's box is a limb or clothes of the other."""
    box, around_it = _box(seen), _box(other)
    inside = _area(_common(box, around_it)) / max(_area(box), 1e-6)
    return inside > _INSIDE and _extent(seen) < _PART * _extent(other)


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two boxes."""
    common = _area(_common(one, other))
    return common / max(_area(one) + _area(other) - common, 1e-6)


def _common(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.concatenate([np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])])


def _area(box: np.ndarray) -> float:
    width, height = np.maximum(box[2:] - box[:2], 0)
    return float(width * height)


def _off(one: Seen, other: Seen) -> float:
    """The mean distance of two sightings' landmarks, as a share of the larger one's size."""
    off = np.linalg.norm(one.places - other.places, axis=1).mean()
    return float(off / max(_extent(one), _extent(other)))


def _distance(one: Seen, other: Seen) -> float:
    """The distance between two sightings' trunks, as a share of the larger one's size."""
    trunk = list(_TRUNK)
    apart = np.linalg.norm(one.places[trunk].mean(0) - other.places[trunk].mean(0))
    return float(apart / max(_extent(one), _extent(other)))


def _box(seen: Seen) -> np.ndarray:
    return np.concatenate([seen.places.min(0), seen.places.max(0)])


def _extent(seen: Seen) -> float:
    """How tall a person of 1.7 m would be here, in pixels: a size that does not depend on the pose."""
    return 1.7 * scale(seen)
