"""How often denoising asks the network: policies as plain data, by their names, readable without torch.

``pipeline.velocity`` does what they say; ``cost.generation`` counts what it costs.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Policy:
    """What of a step is computed, and what is taken over from the steps before.

    Attributes:
        forecast: of so many steps one asks the network, the velocity of the others is forecast; 1: all ask.
        points: of so many askings one moves the points, the others read them as they were; 1: all move them.
        guidance: of so many askings one asks what the picture were with nobody in it, the others keep the
            difference that this made; 1: all ask.
        guided: share of the steps, from which to which guidance acts.
    """

    forecast: int = 1
    points: int = 1
    guidance: int = 1
    guided: tuple[float, float] = (0.0, 1.0)

    def asks(self, step: int, steps: int) -> bool:
        """Whether a step asks the network: the first two, from which the next are forecast; the last, which
        nothing after it would mend; and every so many between."""
        return step < 2 or step == steps - 1 or (step - 1) % self.forecast == 0

    def guides(self, step: int, steps: int) -> bool:
        first, last = self.guided
        return first <= step / steps < last


EVERYTHING = Policy()
EXACT, FORECAST = "exact", "forecast"
POLICIES = {EXACT: EVERYTHING, FORECAST: Policy(forecast=2, points=2)}


@dataclass(frozen=True)
class Preset:
    """Steps and policy, as of ``shot.Settings``: a row of the table of ``isa-engine evaluate speed``."""

    steps: int
    policy: str

    @property
    def rules(self) -> Policy:
        return POLICIES[self.policy]


PRESETS = {"Draft": Preset(4, EXACT), "Final": Preset(16, FORECAST), "Exact": Preset(30, EXACT)}


@dataclass(frozen=True)
class Asked:
    """How often so many steps ask.

    Attributes:
        told: what the picture is with the cast.
        moved: and move the points on the way.
        nobody: what it is with nobody.
    """

    told: int
    moved: int
    nobody: int


def asked(policy: Policy, steps: int) -> Asked:
    """What a denoising of so many steps asks, with guidance."""
    asking = [step for step in range(steps) if policy.asks(step, steps)]
    guided = sum(policy.guides(step, steps) for step in asking)
    return Asked(len(asking), -(-len(asking) // policy.points), -(-guided // policy.guidance))
