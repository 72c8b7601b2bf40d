"""VideoVAE: SD3's image autoencoder with causal time (paper, 4.1).

| subject | module |
|---|---|
| causal 3D convolutions, streaming state | ``causal_conv`` |
| SD3's blocks, norms and attention one frame at a time | ``blocks`` |
| 1 + 4k frames to 1 + k latents, and back | ``encoder``, ``decoder`` |
| the same for small models: whole windows at once | ``window_networks``, ``linear_windows`` |
| a small model's correction where windows meet | ``pixel_tail`` |
| the whole | ``video_vae`` |
| SD3's weights | ``inflate`` |
| large pictures | ``tiling`` |
| latents to alpha | ``matte_head`` |
"""

from isa_engine.networks.torchvision_operators import declare_missing

declare_missing()

from isa_engine.vae.matte_head import MatteHead  # noqa: E402
from isa_engine.vae.posterior import Posterior  # noqa: E402
from isa_engine.vae.video_vae import VideoVAE  # noqa: E402

__all__ = ["MatteHead", "Posterior", "VideoVAE"]
