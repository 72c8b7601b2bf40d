"""Convolutions that never look ahead in time, and what a stream has to remember for them."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import nn

from isa_engine.errors import ModelError

# The longest kernel that a CPU applies frame by frame.
_MOST_TAPS = 2


class Past:
    """The frames before a chunk, for everything in a network that looks back.

    A network asks in the same order for every chunk, so the memory is a plain sequence of tensors: the
    ``tails`` that one pass leaves behind are what the next one starts from.

    Args:
        tails: left behind by the chunk before; None at the beginning of a video.
        remember: whether this pass leaves tails; a video that is given whole needs none.

    Attributes:
        begins: whether the chunk's first frame is the video's.
        whole: whether the chunk is the whole video.
        tails: what this pass has left behind so far.
    """

    def __init__(self, tails: Sequence[torch.Tensor] | None = None, *, remember: bool = False):
        self.begins = tails is None
        self.whole = self.begins and not remember
        self.tails: list[torch.Tensor] = []
        self._before = iter(tails or ())
        self._remember = remember

    def extend(self, frames: torch.Tensor, first: int, later: int) -> torch.Tensor:
        """``frames`` ``(B, C, F, H, W)`` after what came before them in time.

        Args:
            first: frames to put before the first frame of a video, which are copies of it.
            later: frames of the chunk before to put before a later chunk.

        Raises:
            ModelError: the chunk before was of another size.
        """
        if self.begins:
            before = frames[:, :, :1].expand(-1, -1, first, -1, -1)
        else:
            before = next(self._before)
            if before.shape[:2] + before.shape[3:] != frames.shape[:2] + frames.shape[3:]:
                raise ModelError("this chunk has another batch or picture size than the one before it")
        frames = torch.cat([before, frames], 2)
        if self._remember:
            # A clone: a view would keep the whole chunk alive.
            self.tails.append(frames[:, :, frames.shape[2] - later :].clone())
        return frames


class CausalConv3d(nn.Conv3d):
    """A convolution, 3 × 3 in space, whose output at a frame depends on that frame and those before.

    A video's first frame is preceded by copies of itself, so a still picture stays still, and a video of one
    frame can be convolved.

    It is computed as a 2D convolution for each frame of the kernel, and their sum. PyTorch 2.9's 3D kernels
    were wrong or four times as slow on GPUs in bfloat16, and kernels of one or two frames take twice as long
    on a CPU. Kernels of three frames are faster in 3D on a CPU, and only there run so.

    Args:
        time: frames that the kernel sees, the last of them the output's own.
        stride: in time and space. With 2, frames 0, 2, 4, … remain, each with the two before it; space is
            padded after the last row and column only, as in SD3.
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, time: int = 3, stride: tuple[int, int] = (1, 1)
    ):
        every, space = stride
        padding = (0, 1, 1) if space == 1 else 0
        super().__init__(in_channels, out_channels, (time, 3, 3), (every, space, space), padding)

    def forward(self, frames: torch.Tensor, past: Past) -> torch.Tensor:
        """``(B, C, F, H, W)`` to ``(B, C', F / time, H / space, W / space)``; 1 + 2k frames to 1 + k."""
        time, every = self.kernel_size[0], self.stride[0]
        if time > 1:
            frames = past.extend(frames, first=time - 1, later=time - every)
        if self.stride[1] == 2:
            frames = F.pad(frames, (0, 1, 0, 1))
        at_once = frames.device.type == "cpu" and time > _MOST_TAPS
        return super().forward(frames) if at_once else self._convolve_pictures(frames)

    def _convolve_pictures(self, frames: torch.Tensor) -> torch.Tensor:
        """What ``nn.Conv3d.forward`` computes, as a sum of 2D convolutions, one a frame of the kernel."""
        time, every = self.kernel_size[0], self.stride[0]
        seen = frames.shape[2] - time + 1
        convolved = None
        for tap in range(time):
            pictures = rearrange(frames[:, :, tap : tap + seen : every], "B C F h w -> (B F) C h w")
            bias = self.bias if tap == 0 else None
            part = F.conv2d(pictures, self.weight[:, :, tap], bias, self.stride[1:], self.padding[1:])
            convolved = part if convolved is None else convolved + part
        return rearrange(convolved, "(B F) C h w -> B C F h w", B=len(frames))


def looks_back(network: nn.Module) -> int:
    """On so many latents before its own a network's answer depends at most: as many as all its convolutions
    together look back, in frames, of which an encoder's latents have more than one.
    """
    convolutions = (module for module in network.modules() if isinstance(module, CausalConv3d))
    return sum(convolution.kernel_size[0] - 1 for convolution in convolutions)
