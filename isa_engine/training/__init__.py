"""Training of the VideoVAE (paper, 4.2) and of the ISA-DiT (5.3)."""

from isa_engine.networks.torchvision_operators import declare_missing

declare_missing()
