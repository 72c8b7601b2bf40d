"""What people wear."""

import numpy as np
import torch

from isa_engine.body import open_body
from isa_engine.data.looks import Outfit
from isa_engine.data.skinned import SkinnedSurface, even_surface_points
from isa_engine.data.split import TRAINING


def test_a_sample_is_dressed_the_same_alone_and_among_all():
    body = open_body()
    surface = SkinnedSurface(body, *even_surface_points(body.v_template, body.faces, 4096))
    for seed in range(6):
        look = Outfit(surface, np.random.default_rng(seed), TRAINING).look
        some = torch.from_numpy(np.random.default_rng(seed).choice(4096, 700, replace=False))
        whole = slice(None)
        assert torch.allclose(look.colour(some), look.colour(whole)[some], atol=1e-6)
        assert torch.equal(look.thickness(some), look.thickness(whole)[some])
        assert torch.equal(look.thickness(slice(300)), look.thickness(whole)[:300])
