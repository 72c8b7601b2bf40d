"""People of another size than the model has seen: a scene in centimetres, or one that was scaled."""

from isa_engine.shot import Shot

from ..scene.units import natural, size_of
from .finding import Finding, Mend, show

# By these factors scenes that were made in another unit are off: centimetres, millimetres, and back.
_FACTORS = 0.01, 0.001, 100.0, 1000.0


def check_size(shot: Shot) -> list[Finding]:
    """Who is far smaller or larger than people are, on the first frame."""
    found = []
    for character in shot.characters:
        size = size_of(character.points[0])
        if natural(size):
            continue
        text = (
            "{name} measures {size:.3g} m from end to end, and the model knows people of their natural size: "
            "scale them, or tell what a unit is (Scene ▸ Units ▸ Unit Scale)."
        )
        values = {"name": character.name, "size": size}
        mends = [show(shot.frame_numbers[0], character.name)]
        if factor := next((factor for factor in _FACTORS if natural(factor * size)), None):
            mends.insert(0, Mend("Unit Scale × {factor:g}", "isa.scale_unit", {"factor": factor}))
        found.append(Finding(text, values, tuple(mends), True))
    return found
