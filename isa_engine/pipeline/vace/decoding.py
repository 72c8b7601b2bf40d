"""Wan's latents to a plate's frames: any of a segment's, as in its whole, bit for bit, in memory that does
not grow with it."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from isa_engine.geometry.frames import TEMPORAL_COMPRESSION, frames_before
from isa_engine.models.vace import CONTEXT_WINDOW
from isa_engine.pipeline.background import background_frames
from isa_engine.pipeline.drawn import drawn_pictures
from isa_engine.pipeline.pictures import to_frames
from isa_engine.pipeline.vace.loading import VACE
from isa_engine.shot import Shot

# So many frames of a background are held at once: a context window's. With fewer, its first ones would be
# gone where it is told of them again, and the video would be decoded from its beginning for each window.
_AT_ONCE = TEMPORAL_COMPRESSION * CONTEXT_WINDOW


def plate_frames(
    latents: Tensor, model: VACE, shot: Shot, segment: int, first: int, last: int
) -> Iterator[np.ndarray]:
    """Frames ``(H, W, 3)`` uint8 of a segment's latents ``[first, last)``: outside of where
    people are painted the background's own pixels, where the shot has one.

    Args:
        latents: ``(1, C, t, h, w)`` of the whole segment, finished as far as they are asked for.
    """
    shown = range(frames_before(first), min(shot.segments[segment], frames_before(last)))
    before = sum(shot.segments[:segment])
    frames = decoded(latents, model, first, last)
    for begin in range(before + shown.start, before + shown.stop, _AT_ONCE):
        numbers = range(begin, min(begin + _AT_ONCE, before + shown.stop))
        kept, masks = background_frames(shot, numbers), drawn_pictures(shot, shot.settings.painted, numbers)
        # Masks first: they end with the numbers, and a segment's last latent may stand for more frames.
        for place, (mask, frame) in enumerate(zip(masks, frames, strict=False)):
            yield frame if kept is None else np.where(mask > 127, frame, kept[place])


@torch.inference_mode()
def decoded(latents: Tensor, model: VACE, first: int, last: int) -> Iterator[np.ndarray]:
    """What the autoencoder makes of a segment's latents ``[first, last)``: frames ``(H, W, 3)`` uint8."""
    decoder = model.vae.decoder
    # The decoder's own way of remembering: the last two inputs of each convolution.
    memory = [None] * sum(isinstance(layer, _causal()) for layer in decoder.modules())
    begin = max(0, first - _reach(decoder))
    for number in range(begin, last):
        latent = model.vae.post_quant_conv(model.denormalised(latents[:, :, number : number + 1]))
        video = decoder(latent, feat_cache=memory, feat_idx=[0], first_chunk=number == begin)
        if number >= first:
            yield from to_frames(video.float())


def _reach(decoder: nn.Module) -> int:
    """How many latents before one the decoder's answer for it depends on, rounded up."""
    reach, rate = 0.0, 1
    for part in (decoder.conv_in, decoder.mid_block, *decoder.up_blocks, decoder.conv_out):
        kernels = [layer.kernel_size[0] for layer in part.modules() if isinstance(layer, _causal())]
        # Where there are several frames to a latent, as many of them are fewer latents.
        reach += sum(kernel - 1 for kernel in kernels) / rate
        rate *= 2 if any(getattr(layer, "mode", "") == "upsample3d" for layer in part.modules()) else 1
    # The first latent of a stream stands for one frame, and is not doubled in time.
    return int(reach) + 2


def _causal() -> type[nn.Module]:
    from diffusers.models.autoencoders.autoencoder_kl_wan import WanCausalConv3d

    return WanCausalConv3d
