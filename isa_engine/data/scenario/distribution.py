"""What synthetic clips are drawn from. One renderer, two distributions as data.

``PLAIN`` stays as it is, so that clips to measure with stay the same; ``RICH`` is what training sees.
"""

from dataclasses import dataclass

from isa_engine.data.scenario.camera_paths import CLOSE, WIDE, Framing


@dataclass(frozen=True)
class Distribution:
    """What synthetic clips look like.

    Attributes:
        framing: lenses, places of the camera and sizes of figures.
        detailed: faces that move, garments that stand off the body, light of all kinds, sets with scenery.
    """

    framing: Framing
    detailed: bool


PLAIN = Distribution(CLOSE, detailed=False)
RICH = Distribution(WIDE, detailed=True)
