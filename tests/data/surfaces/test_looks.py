"""What people wear."""

import numpy as np
import pytest
import torch

from isa_engine.body import open_body
from isa_engine.body.model.wardrobe import dressed_open_body
from isa_engine.data.rendering.dressed import DressedSurface
from isa_engine.data.scenario.split import TRAINING
from isa_engine.data.surfaces.clothes import LayeredOutfit
from isa_engine.data.surfaces.looks import Outfit
from isa_engine.data.surfaces.skinned import SkinnedSurface, even_surface_points


@pytest.fixture(scope="module", params=[Outfit, LayeredOutfit])
def outfits(request):
    """Looks of six seeds, and the surface that they are of."""
    if request.param is Outfit:
        body = open_body()
        surface = SkinnedSurface(body, *even_surface_points(body.v_template, body.faces, 4096))
    else:
        surface = DressedSurface(dressed_open_body()).vertices
    draws = [request.param(surface.joints, np.random.default_rng(seed), TRAINING) for seed in range(6)]
    return [outfit.look for outfit in draws], surface.patch


def test_a_sample_is_dressed_the_same_alone_and_among_all(outfits):
    looks, patch = outfits
    for seed, look in enumerate(looks):
        some = torch.from_numpy(np.random.default_rng(seed).choice(len(patch), 700, replace=False))
        assert torch.allclose(look.colour(patch[some]), look.colour(patch)[some], atol=1e-5)
        assert torch.equal(look.thickness(patch[some]), look.thickness(patch)[some])


def test_people_are_dressed_differently(outfits):
    looks, patch = outfits
    colours = torch.stack([look.colour(patch) for look in looks])
    assert colours.std(0).mean() > 0.1
    assert ((colours >= 0) & (colours <= 1)).all()
