"""Patch discriminators: of single frames (2D GAN), and with convolutions over time too (3D GAN)."""

import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn

# Of space, after the first layer's.
_HALVINGS = 3


class PatchDiscriminator(nn.Module):
    """Scores overlapping patches; ``dimensions`` is 2 for pictures, 3 for videos.

    The 3D one is the 2D one with its convolutions extended over time (paper, 4.1); it halves space, not time.

    Args:
        width: channels of the first layer; doubled at each halving up to eight times.
    """

    def __init__(self, dimensions: int, width: int = 64):
        super().__init__()
        convolution = {2: nn.Conv2d, 3: nn.Conv3d}[dimensions]
        stride = 2 if dimensions == 2 else (1, 2, 2)
        widths = [width * min(2**level, 8) for level in range(_HALVINGS + 1)]
        layers: list[nn.Module] = [convolution(3, widths[0], 3, stride, 1), nn.LeakyReLU(0.2)]
        for before, after in itertools.pairwise(widths):
            layers += [convolution(before, after, 3, stride, 1), nn.GroupNorm(8, after), nn.LeakyReLU(0.2)]
        layers.append(convolution(widths[-1], 1, 3, 1, 1))
        self.layers = nn.Sequential(*layers)
        self.dimensions = dimensions

    def forward(self, video: Tensor) -> Tensor:
        """Scores of ``(B, 3, F, H, W)``: higher is more real. Frames are single pictures to the 2D one."""
        return self.features(video)[-1]

    def features(self, video: Tensor) -> list[Tensor]:
        """What each resolution sees in ``(B, 3, F, H, W)``, and last the scores."""
        seen = video.transpose(1, 2).flatten(0, 1) if self.dimensions == 2 else video
        kept = []
        device = video.device.type
        # In bfloat16, 3D convolutions were wrong or four times as slow on GPUs in PyTorch 2.9.
        mixed = torch.is_autocast_enabled(device) and self.dimensions == 2
        with torch.autocast(device, enabled=mixed):
            for layer in self.layers:
                seen = layer(seen)
                if isinstance(layer, nn.LeakyReLU):
                    kept.append(seen)
        return [*kept, seen.float()]


def discriminator_loss(score: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
    """Hinge loss, ``mean max(0, 1 − D(real)) + mean max(0, 1 + D(fake))``, a scalar; no gradient reaches what
    made the fake.

    Args:
        score: the discriminator, of videos ``(B, 3, F, H, W)``.
    """
    return torch.relu(1 - score(real)).mean() + torch.relu(1 + score(fake.detach())).mean()


def generator_loss(scores: Tensor) -> Tensor:
    """What the decoder is asked for, ``−mean D(fake)``, a scalar: patches that score as real."""
    return -scores.mean()


def feature_matching_loss(fake: list[Tensor], real: list[Tensor]) -> Tensor:
    """How far ``PatchDiscriminator.features`` of a fake are from those of what it stands for, relative to
    their size, the scores aside (Wang and others, 2018): a perceptual distance of their own making."""
    relative = [
        (one.float() - other.float()).abs().mean() / other.float().abs().mean().clamp_min(1e-6)
        for one, other in zip(fake[:-1], real[:-1], strict=True)
    ]
    return torch.stack(relative).mean()
