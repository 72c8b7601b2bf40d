"""What training may see, and what is held out to measure with.

The two share no captured motion, no combination of garments and no seed, so that a held-out clip shows known
people in nothing they wore and in no motion they made before. ``HELD_OUT`` is of the plain distribution, as
all tables are; ``HELD_OUT_RICH`` is of the one that training sees.
"""

from dataclasses import dataclass, replace

from isa_engine.data.scenario.distribution import PLAIN, RICH, Distribution


@dataclass(frozen=True)
class Split:
    """What the clips of training, or the held-out ones, are drawn from.

    Attributes:
        name: as samples record it.
        motions: bundled ones to draw from.
        procedural: share of motions that are made up instead of captured.
        held_out_looks: whether its looks are the ones kept from training.
        stream: begins every random draw, so that one seed gives each split another clip.
        distribution: what clips are drawn from.
    """

    name: str
    motions: tuple[str, ...]
    procedural: float
    held_out_looks: bool
    stream: int
    distribution: Distribution

    def owns_look(self, top: str, bottom: str) -> bool:
        """Whether a top and a bottom of these patterns (``data.surfaces.patterns.KINDS``) may be worn."""
        return ((top, bottom) in _HELD_OUT_LOOKS) == self.held_out_looks


# Tops and bottoms that training never sees together; each alone it does, in its place.
_HELD_OUT_LOOKS = frozenset(
    {
        ("plain", "stripes"),
        ("stripes", "plain"),
        ("checks", "plain"),
        ("blotches", "dots"),
        ("dots", "blotches"),
    }
)

TRAINING = Split("training", ("walk", "run", "swing", "gesture", "dance"), 0.4, False, 0, RICH)
HELD_OUT = Split("held-out", ("jump", "punch"), 0.0, True, 1, PLAIN)
HELD_OUT_RICH = replace(HELD_OUT, name="held-out-rich", stream=2, distribution=RICH)
SPLITS = (TRAINING, HELD_OUT, HELD_OUT_RICH)
