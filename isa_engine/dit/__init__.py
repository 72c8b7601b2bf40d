"""ISA-DiT, the diffusion transformer with interspatial attention (paper, 5.2 and 5.3).

| paper | module |
|---|---|
| Eq. 7, AdaLN by timestep | ``transformer`` |
| Eqs. 8, 19 | ``point_tokens`` |
| PE, ISPE: Eqs. 10, 11 (projection itself: ``geometry.ndc``) | ``positional_encoding`` |
| Eqs. 3 to 6 | ``attention`` |
| Eqs. 9, 12 to 14, Fig. 7 | ``isa_transformer`` |
| Eqs. 15 to 18, Fig. 8 | ``isa_block`` |
| Eq. 20, background, the whole | ``isa_dit`` |
| Eq. 21 | ``image_tower``, and ``attention.ConditionAttention`` |
| Eqs. 22, 23 | ``geometry.plucker``, ``camera``, and ``attention.ConditionAttention`` |
"""

from isa_engine.networks.torchvision_operators import declare_missing

declare_missing()

from isa_engine.dit.conditioning import Conditioning  # noqa: E402
from isa_engine.dit.image_tower import ImageTower  # noqa: E402
from isa_engine.dit.isa_dit import ISADiT  # noqa: E402

__all__ = ["Conditioning", "ISADiT", "ImageTower"]
