"""People of another size than the model has seen: a scene in centimetres, or one that was scaled."""

import numpy as np

from isa_engine.shot import Shot

from .finding import Finding, show

# Metres from corner to corner of the box about a person, from a child that crouches to a tall one in a leap.
SMALLEST, LARGEST = 0.4, 4.0


def check_size(shot: Shot) -> list[Finding]:
    """Who is far smaller or larger than people are, on the first frame."""
    found = []
    for character in shot.characters:
        size = float(np.linalg.norm(np.ptp(character.points[0].astype(np.float64), axis=0)))
        if SMALLEST <= size <= LARGEST:
            continue
        text = (
            "{name} measures {size:.3g} m from end to end, and the model knows people of their natural size: "
            "scale the whole scene (one unit is a metre)."
        )
        values = {"name": character.name, "size": size}
        found.append(Finding(text, values, (show(shot.frame_numbers[0], character.name),), True))
    return found
