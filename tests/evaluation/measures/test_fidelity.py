"""PSNR, SSIM, LPIPS and FVD where the answer is known."""

import math

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from isa_engine.errors import ModelError
from isa_engine.evaluation.measures.fidelity import COLUMNS, Fidelity, Networks, psnr, ssim
from isa_engine.evaluation.measures.i3d import FEWEST_FRAMES, I3D

TRUTH = torch.rand(3, 9, 32, 32, generator=torch.Generator().manual_seed(0)) - 0.5


class MeanColour(nn.Module):
    """Features whose Fréchet distance can be worked out by hand."""

    num_features = 3

    def forward(self, video):
        return video.mean((2, 3, 4))


def cells(fidelity):
    return dict(zip(COLUMNS, fidelity.cells(), strict=True))


def test_psnr_of_an_even_error():
    # 10 log10(2² / 0.2²)
    assert psnr(TRUTH + 0.2, TRUTH) == pytest.approx(20, abs=1e-3)


def test_psnr_counts_the_pixels_that_it_is_told_to():
    where = torch.zeros(9, 32, 32, dtype=torch.bool)
    where[:, 10:20] = True
    spoilt = TRUTH + torch.where(where, 0.2, 1.0)
    assert psnr(spoilt, TRUTH, where) == pytest.approx(20, abs=1e-3)
    assert psnr(spoilt, TRUTH, ~where) == pytest.approx(20 * math.log10(2), abs=1e-3)
    assert psnr(spoilt, TRUTH, torch.zeros_like(where)) is None


def test_ssim_is_one_for_the_truth_and_falls_with_blur():
    blurred = torch.nn.functional.avg_pool3d(TRUTH[None], (1, 3, 3), 1, (0, 1, 1))[0]
    assert ssim(TRUTH, TRUTH) == pytest.approx(1)
    assert ssim(blurred, TRUTH) < 0.8


def test_without_their_weights_lpips_and_fvd_are_not_measured():
    fidelity = Fidelity(Networks())
    fidelity.add(TRUTH, TRUTH + 0.2)
    measured = cells(fidelity)
    assert measured["PSNR ↑"] == (pytest.approx(20, abs=1e-3),)
    assert measured["LPIPS ↓"] == "not measured (without --lpips)"
    assert measured["FVD ↓"] == "not measured (without --i3d)"


def test_the_frechet_distance_of_shifted_features_is_the_shift_squared():
    fidelity = Fidelity(Networks(i3d=MeanColour()))
    for k in range(8):
        truth = TRUTH * math.cos(k) + 0.1 * k
        fidelity.add(truth + 0.3, truth)
    assert cells(fidelity)["FVD ↓"] == pytest.approx(3 * 0.3**2, rel=1e-3)


def test_fvd_of_too_little_is_not_measured():
    one_clip, short = (Fidelity(Networks(i3d=MeanColour())) for _ in range(2))
    one_clip.add(TRUTH, TRUTH)
    assert cells(one_clip)["FVD ↓"].startswith("not measured")
    for _ in range(2):
        short.add(TRUTH[:, : FEWEST_FRAMES - 1], TRUTH[:, : FEWEST_FRAMES - 1])
    assert cells(short)["FVD ↓"].startswith("not measured")


@pytest.fixture(scope="module")
def i3d_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("i3d") / "i3d.safetensors"
    torch.manual_seed(0)
    save_file(I3D().state_dict(), path)
    return path


def test_i3d_has_the_sizes_of_the_published_network(i3d_file):
    network = I3D.load(i3d_file)
    # Carreira and Zisserman's RGB stream of Kinetics-400.
    assert round(sum(p.numel() for p in network.parameters()) / 1e6, 1) == 12.7
    with torch.inference_mode():
        logits = network(TRUTH[None])
    assert logits.shape == (1, 400)
    assert logits.isfinite().all()
    assert not logits.allclose(logits.flip(1))


def test_an_i3d_file_that_lacks_a_tensor_is_refused_by_its_name(i3d_file, tmp_path):
    tensors = {k: v for k, v in I3D().state_dict().items() if k != "Mixed_4d.b1b.conv3d.weight"}
    save_file(tensors, tmp_path / "broken.safetensors")
    with pytest.raises(ModelError, match=r"Mixed_4d\.b1b\.conv3d\.weight"):
        I3D.load(tmp_path / "broken.safetensors")
