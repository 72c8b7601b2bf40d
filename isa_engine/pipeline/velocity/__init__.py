"""What moves latents from noise to video, and how seldom the network is asked for it."""

from isa_engine.pipeline.velocity.guided import Guided, Network
from isa_engine.pipeline.velocity.memory import Memory
from isa_engine.pipeline.velocity.under_policy import forecast, spared, velocity_of

__all__ = ["Guided", "Memory", "Network", "forecast", "spared", "velocity_of"]
