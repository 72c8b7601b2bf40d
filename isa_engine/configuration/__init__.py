"""The named models as plain data, readable without torch.

The service, the panel and the command line read these; ``vae`` and ``dit`` are built from them.
"""

from isa_engine.configuration.named import (
    ABLATIONS,
    MODELS,
    READOUTS,
    RENDERINGS,
    isa_4b,
    isa_small,
    isa_tiny,
    model_config,
)
from isa_engine.configuration.parts import (
    MODULATIONS,
    NEW_BRANCHES,
    NORMAL_CHANNELS,
    NORMAL_DETAIL,
    PREVIEWS,
    RAY_CHANNELS,
    TIMESTEP_FEATURES,
    DiTConfig,
    ImageTowerConfig,
    MatteHeadConfig,
    ModelConfig,
    VAEConfig,
)
from isa_engine.configuration.weights import (
    CARD,
    autoencoder_folder,
    weights_folder,
)

__all__ = [
    "ABLATIONS",
    "CARD",
    "MODELS",
    "MODULATIONS",
    "NEW_BRANCHES",
    "NORMAL_CHANNELS",
    "NORMAL_DETAIL",
    "PREVIEWS",
    "RAY_CHANNELS",
    "READOUTS",
    "RENDERINGS",
    "TIMESTEP_FEATURES",
    "DiTConfig",
    "ImageTowerConfig",
    "MatteHeadConfig",
    "ModelConfig",
    "VAEConfig",
    "autoencoder_folder",
    "isa_4b",
    "isa_small",
    "isa_tiny",
    "model_config",
    "weights_folder",
]
