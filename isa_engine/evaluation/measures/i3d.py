"""I3D (Carreira and Zisserman 2017), the network behind the Fréchet video distance, with weights from a file.

The file is safetensors with the names of the PyTorch port that the field shares (pytorch-i3d's
``rgb_imagenet``): Kinetics-400, RGB.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from isa_engine.networks.tensors import check_tensors, read_safetensors

# Channels of each block's branches: 1×1; 1×1 then 3×3; 1×1 then 3×3; pooled then 1×1.
_MIXED = {
    "3b": (192, (64, 96, 128, 16, 32, 32)),
    "3c": (256, (128, 128, 192, 32, 96, 64)),
    "4b": (480, (192, 96, 208, 16, 48, 64)),
    "4c": (512, (160, 112, 224, 24, 64, 64)),
    "4d": (512, (128, 128, 256, 24, 64, 64)),
    "4e": (512, (112, 144, 288, 32, 64, 64)),
    "4f": (528, (256, 160, 320, 32, 128, 128)),
    "5b": (832, (256, 160, 320, 32, 128, 128)),
    "5c": (832, (384, 192, 384, 48, 128, 128)),
}
# Pooling before these blocks: kernel and stride, time and space.
_POOLS = {"3b": ((1, 3, 3), (1, 2, 2)), "4b": ((3, 3, 3), (2, 2, 2)), "5b": ((2, 2, 2), (2, 2, 2))}
_CLASSES = 400
_SIZE = 224
FEWEST_FRAMES = 9
"""A shorter video has nothing left to pool over time."""


class I3D(nn.Module):
    """Videos ``(B, 3, F, H, W)`` in [−1, 1] to the logits ``(B, 400)`` of Kinetics' classes."""

    # torchmetrics asks a network of features for this.
    num_features = _CLASSES

    def __init__(self):
        super().__init__()
        self.Conv3d_1a_7x7 = _Unit(3, 64, (7, 7, 7), (2, 2, 2))
        self.Conv3d_2b_1x1 = _Unit(64, 64)
        self.Conv3d_2c_3x3 = _Unit(64, 192, (3, 3, 3))
        for name, (channels, branches) in _MIXED.items():
            self.add_module(f"Mixed_{name}", _Mixed(channels, *branches))
        self.logits = _Unit(1024, _CLASSES, plain=True)

    @classmethod
    def load(cls, path: Path) -> "I3D":
        """The network with the weights of a file.

        Raises:
            ModelError: the file is missing, or a tensor is missing, surplus or misshapen.
        """
        network = cls()
        # Norms of today's torch count batches; files of weights that are older have no such tensors.
        own = {k: v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
        found = {k: v for k, v in read_safetensors(path).items() if not k.endswith("num_batches_tracked")}
        check_tensors(found, {name: tuple(tensor.shape) for name, tensor in own.items()}, path)
        network.load_state_dict(found, strict=False)
        return network.eval().requires_grad_(False)

    def forward(self, video: Tensor) -> Tensor:
        frames = video.movedim(2, 1).flatten(0, 1)
        frames = F.interpolate(frames, (_SIZE, _SIZE), mode="bilinear", align_corners=False)
        x = frames.unflatten(0, (len(video), -1)).movedim(1, 2)
        x = _pool(self.Conv3d_1a_7x7(x), (1, 3, 3), (1, 2, 2))
        x = self.Conv3d_2c_3x3(self.Conv3d_2b_1x1(x))
        for name in _MIXED:
            if name in _POOLS:
                x = _pool(x, *_POOLS[name])
            x = self.get_submodule(f"Mixed_{name}")(x)
        return self.logits(F.avg_pool3d(x, (2, 7, 7), 1)).mean((2, 3, 4))


class _Unit(nn.Module):
    """Convolution, batch norm and ReLU; ``plain``: the convolution alone, with a bias."""

    def __init__(self, given: int, made: int, kernel=(1, 1, 1), stride=(1, 1, 1), plain: bool = False):
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.conv3d = nn.Conv3d(given, made, kernel, stride, bias=plain)
        self.bn = None if plain else nn.BatchNorm3d(made, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv3d(_same(x, self.kernel, self.stride))
        return x if self.bn is None else F.relu(self.bn(x))


class _Mixed(nn.Module):
    """Four branches side by side."""

    def __init__(self, given: int, a: int, b1: int, b3: int, c1: int, c3: int, d: int):
        super().__init__()
        wide = (3, 3, 3)
        self.b0 = _Unit(given, a)
        self.b1a, self.b1b = _Unit(given, b1), _Unit(b1, b3, wide)
        self.b2a, self.b2b = _Unit(given, c1), _Unit(c1, c3, wide)
        self.b3b = _Unit(given, d)

    def forward(self, x: Tensor) -> Tensor:
        pooled = _pool(x, (3, 3, 3), (1, 1, 1))
        branches = self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(pooled)
        return torch.cat(branches, 1)


def _pool(x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    return F.max_pool3d(_same(x, kernel, stride), kernel, stride)


def _same(x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    """Zeros around, as TensorFlow's "SAME" puts them: the odd one after."""
    padding: list[int] = []
    for size, k, s in zip(reversed(x.shape[2:]), reversed(kernel), reversed(stride), strict=True):
        missing = max(0, (-(-size // s) - 1) * s + k - size)
        padding += [missing // 2, missing - missing // 2]
    return F.pad(x, padding)
