import pytest
import torch

from isa_engine.vae import VideoVAE
from tests.vae.small_vaes import OF_WINDOWS, PLAIN, small_vae


@pytest.fixture(params=(PLAIN, OF_WINDOWS), ids=["plain", "windows"])
def vae(request) -> VideoVAE:
    return small_vae(request.param)


@pytest.fixture(autouse=True)
def _no_grad():
    with torch.no_grad():
        yield
