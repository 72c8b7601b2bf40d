"""A network's velocity under a policy: each wrapper spares what the policy does."""

from isa_engine.configuration.policies import EVERYTHING, Policy
from isa_engine.dit import Conditioning
from isa_engine.pipeline.sampling import Velocity
from isa_engine.pipeline.velocity.guidance_interval import GuidanceInterval
from isa_engine.pipeline.velocity.guidance_reuse import GuidanceReuse
from isa_engine.pipeline.velocity.guided import AskedOfNobody, Guided, Network, Nobody
from isa_engine.pipeline.velocity.memory import Memory
from isa_engine.pipeline.velocity.points_reuse import PointsReuse
from isa_engine.pipeline.velocity.taylorseer import TaylorSeer


def velocity_of(
    network: Network,
    conditioning: Conditioning,
    guidance: float,
    steps: int = 1,
    policy: Policy = EVERYTHING,
    memory: Memory | None = None,
) -> Velocity:
    """The guided velocity of a network under a policy.

    Args:
        network: ``Model.predict``; any without points' reuse.
        guidance: scale; 1 asks the conditional branch alone.
        steps: of the whole denoising.
        memory: of the policy's wrappers; empty, or a checkpoint's.
    """
    memory = {} if memory is None else memory
    nobody = None if guidance == 1 else AskedOfNobody(network, conditioning.nobody)
    if nobody is not None:
        nobody = spared(nobody, steps, policy, memory)
    if policy.points > 1:
        network = PointsReuse(network, policy.points, memory)
    return forecast(Guided(network, conditioning, nobody, guidance), steps, policy, memory)


def spared(nobody: Nobody, steps: int, policy: Policy, memory: Memory) -> Nobody:
    """A branch of guidance, of a model of any kind, that is asked as often as a policy wants."""
    if policy.guidance > 1:
        nobody = GuidanceReuse(nobody, policy.guidance, memory)
    return nobody if policy.guided == (0.0, 1.0) else GuidanceInterval(nobody, policy, steps)


def forecast(velocity: Velocity, steps: int, policy: Policy, memory: Memory) -> Velocity:
    """A velocity, of a model of any kind, that is asked on the steps that a policy wants."""
    return velocity if policy.forecast == 1 else TaylorSeer(velocity, policy, steps, memory)
