"""LPIPS, the perceptual distance, with weights from a local file."""

from pathlib import Path

import torch
from torch import Tensor, nn

from isa_engine.networks.tensors import check_tensors, read_safetensors
from isa_engine.networks.torchvision_operators import declare_missing

declare_missing()
from torchvision.models.vgg import cfgs, make_layers  # noqa: E402

# Where the five stages of VGG-16, torchvision's "D", end among its layers, and their channels.
_STAGES = (4, 9, 16, 23, 30)
_CHANNELS = (64, 128, 256, 512, 512)


class LPIPS(nn.Module):
    """Learned perceptual image patch similarity (Zhang et al. 2018) over VGG-16.

    The file holds torchvision's ``features.*`` of VGG-16 and ``lin0 … lin4`` of shape ``(1, C, 1, 1)``.
    """

    def __init__(self):
        super().__init__()
        self.features = make_layers(cfgs["D"], batch_norm=False)
        for stage, channels in enumerate(_CHANNELS):
            self.register_buffer(f"lin{stage}", torch.zeros(1, channels, 1, 1))
        mean, deviation = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(deviation).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)

    @classmethod
    def load(cls, path: Path) -> "LPIPS":
        """Raises:
        ModelError: the file is missing, or a tensor is missing, surplus or misshapen.
        """
        network = cls()
        own, found = network.state_dict(), read_safetensors(path)
        check_tensors(found, {name: tuple(tensor.shape) for name, tensor in own.items()}, path)
        network.load_state_dict(found)
        return network.eval()

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Mean distance of two batches of pictures ``(B, 3, H, W)`` in [−1, 1]."""
        first, second = (((x + 1) / 2 - self.mean) / self.deviation for x in (first, second))
        distance = torch.zeros((), device=first.device)
        begin = 0
        for stage, end in enumerate(_STAGES):
            first, second = self.features[begin:end](first), self.features[begin:end](second)
            difference = (_unit(first) - _unit(second)) ** 2
            distance = distance + (difference * getattr(self, f"lin{stage}")).sum(1).mean()
            begin = end
        return distance


def _unit(features: Tensor) -> Tensor:
    return features / (features.norm(dim=1, keepdim=True) + 1e-10)
