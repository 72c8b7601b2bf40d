"""Some tests import diffusers themselves."""

from isa_engine.networks.torchvision_operators import declare_missing

declare_missing()
