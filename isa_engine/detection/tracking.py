"""Everybody in a video, frame by frame, each under a number of their own.

People are looked for near where they were in the frame before; now and then the whole frame is searched for
people who have come in.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from isa_engine.body.fitting.landmarks import Sighting
from isa_engine.detection.mapping import Seen
from isa_engine.detection.people import Networks, follow, people_of, same, with_hands

# The whole frame is searched every so many frames; somebody who was out of sight for no more than so many
# keeps the same number.
SEARCH, LOST = 24, 12


def track(frames: Iterable[np.ndarray], networks: Networks) -> Iterator[dict[int, Sighting]]:
    """Who is seen in each frame ``(H, W, 3)`` uint8 sRGB: a person's number → the sighting."""
    last: dict[int, tuple[int, Seen]] = {}
    names = 0
    for number, pixels in enumerate(frames):
        seen: dict[int, Seen] = {}
        for name, (_, before) in last.items():
            now = follow(pixels, before, networks)
            # When one person walks in front of another, both searches find the one in front: two numbers must
            # not follow the same person.
            if now is not None and not any(same(now, other) for other in seen.values()):
                seen[name] = now
        if number % SEARCH == 0:
            for one in people_of(pixels, networks):
                if not any(same(one, other) for other in seen.values()):
                    returned = [
                        name for name, (_, before) in last.items() if name not in seen and same(one, before)
                    ]
                    name = returned[0] if returned else names
                    names += not returned
                    seen[name] = one
        last |= {name: (number, one) for name, one in seen.items()}
        last = {name: known for name, known in last.items() if number - known[0] <= LOST}
        yield {name: with_hands(pixels, one, networks) for name, one in seen.items()}
