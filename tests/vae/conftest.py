import pytest
import torch
from small_vaes import CONFIGURATIONS, small_vae

from isa_engine.vae import VideoVAE


@pytest.fixture(params=CONFIGURATIONS, ids=["plain", "shortcut"])
def vae(request) -> VideoVAE:
    return small_vae(request.param)


@pytest.fixture(autouse=True)
def _no_grad():
    with torch.no_grad():
        yield
