"""Causal kernels are convolved as pictures, and are what a 3D convolution makes of them."""

import pytest
import torch
from torch import nn

from isa_engine.vae import causal_conv
from isa_engine.vae.causal_conv import CausalConv3d, Past
from tests.vae.small_vaes import WITH_TAIL, noise_video, small_vae


def in_three_dimensions(layer: CausalConv3d, frames: torch.Tensor) -> torch.Tensor:
    """torch's own convolution of the frames with copies of the first before them."""
    before = layer.kernel_size[0] - 1
    frames = torch.cat([frames[:, :, :1]] * before + [frames], 2)
    if layer.stride[1] == 2:
        frames = nn.functional.pad(frames, (0, 1, 0, 1))
    return nn.Conv3d.forward(layer, frames)


@pytest.mark.parametrize("stride", [(1, 1), (1, 2), (2, 2)])
@pytest.mark.parametrize("time", [1, 2, 3])
@pytest.mark.parametrize("most_taps", [2, 3], ids=["as on a CPU", "as on a GPU"])
def test_a_causal_convolution_is_the_3d_one_with_the_first_frame_repeated(
    time, stride, most_taps, monkeypatch
):
    monkeypatch.setattr(causal_conv, "_MOST_TAPS", most_taps)
    layer = CausalConv3d(5, 7, time=time, stride=stride).double()
    frames = torch.randn(2, 5, 9, 6, 8, dtype=torch.float64)
    ours, theirs = layer(frames, Past()), in_three_dimensions(layer, frames)
    assert ours.shape == theirs.shape
    assert torch.allclose(ours, theirs, atol=1e-12)


def test_gradients_are_those_of_the_3d_one():
    layer = CausalConv3d(5, 7, time=2).double()
    frames = torch.randn(2, 5, 4, 6, 8, dtype=torch.float64, requires_grad=True)
    with torch.enable_grad():
        inputs = (frames, layer.weight, layer.bias)
        ours = torch.autograd.grad(layer(frames, Past()).sin().sum(), inputs)
        theirs = torch.autograd.grad(in_three_dimensions(layer, frames).sin().sum(), inputs)
    for one, other in zip(ours, theirs, strict=True):
        assert torch.allclose(one, other, atol=1e-12)


def test_networks_of_windows_are_one_graph_to_the_compiler():
    vae = small_vae(WITH_TAIL)

    def encode(video):
        return vae.encoder(video, Past())

    def decode(latents):
        past = Past()
        return vae.tail(*vae.decoder(latents, past), past)

    video = noise_video(vae, 9)
    for network, given in ((encode, video), (decode, vae.encode(video).mode())):
        compiled = torch.compile(network, backend="eager", fullgraph=True)
        assert torch.allclose(compiled(given), network(given), atol=1e-6)
