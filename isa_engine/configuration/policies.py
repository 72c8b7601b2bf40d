"""How often denoising asks the network: policies as plain data, by their names, readable without torch.

``pipeline.velocity`` carries them out; ``cost.generation`` counts what they cost.
"""

from dataclasses import dataclass

# Points that a policy keeps from one asking to the next take half a MiB a frame and character of isa-tiny: of
# these latents, 253 frames, they stay in memory; those of later ones go to a temporary file. The first layer
# is up to 60 latents ahead of the last: a take has all of these in memory, and all that layers work on beside
# them, where it is longer by as many. From there on it takes no more.
LATENTS_IN_MEMORY = 64


@dataclass(frozen=True)
class Policy:
    """Which steps of a denoising ask the network, and for what; the others take over earlier answers.

    Of the named ones below none spares guidance: the branch with nobody is a sixth of isa-tiny's work.
    ``isa-engine evaluate speed`` measures for any weights what that would be worth.

    Attributes:
        forecast: every so many steps the network is asked, and the velocities between are forecast; 1: it is
            always asked.
        points: every so many times that the network is asked, it moves the points; between, it reads them as
            they were; 1: it always moves them.
        guidance: every so many times that the network is asked, it is also asked for the picture with nobody
            in it; between, guidance keeps the difference that this made; 1: always.
        guided: the shares of the steps between which guidance acts.
    """

    forecast: int = 1
    points: int = 1
    guidance: int = 1
    guided: tuple[float, float] = (0.0, 1.0)

    def asks(self, step: int, steps: int) -> bool:
        """Whether a step (from 0, of so many) asks the network: the first two, from which others are
        forecast; the last, whose error no later step would correct; and every ``forecast``-th between."""
        return step < 2 or step == steps - 1 or (step - 1) % self.forecast == 0

    def guides(self, step: int, steps: int) -> bool:
        """Whether guidance acts on a step."""
        first, last = self.guided
        return first <= step / steps < last


EVERYTHING = Policy()
EXACT, FORECAST, SPARING = "exact", "forecast", "sparing"
POLICIES = {
    EXACT: EVERYTHING,
    FORECAST: Policy(forecast=2, points=2),
    SPARING: Policy(forecast=4, points=2),
}


@dataclass(frozen=True)
class Preset:
    """How a model is asked for a plate.

    Attributes:
        steps, guidance, policy: as of ``shot.Settings``.
        model: that is asked in place of the one whose preset this is; empty: that one.
        detail: tiles along the shorter side of the canvas (``geometry.tiles``); 1: the model's own canvas.
    """

    steps: int
    guidance: float
    policy: str = EXACT
    model: str = ""
    detail: int = 1

    @property
    def rules(self) -> Policy:
        return POLICIES[self.policy]


# Every model has presets of these names. These are the house's own models'; each is a row of the table that
# ``isa-engine evaluate speed`` makes. Draft is the model's own canvas, since it is to be quick. The guidance
# suits the bundled weights (docs/isa-tiny.md); the paper's is 2 (6.2).
_GUIDANCE = 1.5
PRESETS = {
    "Draft": Preset(4, _GUIDANCE),
    "Final": Preset(25, _GUIDANCE, SPARING, detail=2),
    "Exact": Preset(30, _GUIDANCE, detail=2),
}


@dataclass(frozen=True)
class Asked:
    """How many forward passes a denoising makes.

    Attributes:
        told: with the cast.
        moved: those of them that move the points.
        nobody: with nobody in the picture, for guidance.
    """

    told: int
    moved: int
    nobody: int


def asked(policy: Policy, steps: int) -> Asked:
    """How many forward passes a denoising of so many steps makes, with guidance."""
    asking = [step for step in range(steps) if policy.asks(step, steps)]
    guided = sum(policy.guides(step, steps) for step in asking)
    return Asked(len(asking), -(-len(asking) // policy.points), -(-guided // policy.guidance))
