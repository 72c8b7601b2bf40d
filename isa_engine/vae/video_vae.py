"""VideoVAE whole: pictures and videos to latents and back, at once or as a stream."""

from collections.abc import Sequence

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config

from isa_engine.errors import ModelError
from isa_engine.geometry.frames import TEMPORAL_COMPRESSION
from isa_engine.vae.causal_conv import Past
from isa_engine.vae.decoder import Decoder
from isa_engine.vae.encoder import Encoder
from isa_engine.vae.pixel_tail import SIDE, PixelTail
from isa_engine.vae.posterior import Posterior
from isa_engine.vae.window_networks import WindowDecoder, WindowEncoder

# What one chunk of a video hands to the next. Nobody else looks into it, and it is never changed in place: a
# chunk can be computed again from the same state.
State = tuple[torch.Tensor, ...]
_COLOURS = 3
# exp beyond these limits overflows half precision or vanishes in it.
_LOGVAR_LIMITS = (-30.0, 20.0)


class VideoVAE(ModelMixin, ConfigMixin):
    """The video autoencoder (paper, 4.1): f_s in space, f_t = 4 in time, the first frame by itself.

    Built from ``VAEConfig``: ``VideoVAE(**dataclasses.asdict(config.vae))``; every argument is described
    there. The normalisation starts as configured and is part of the weights. Latent 0 stands for frame 0,
    latent j ≥ 1 for frames 4j − 3 … 4j, and neither latents nor decoded frames depend on later windows.

    Raises:
        ModelError: sizes that do not go together.
    """

    _supports_gradient_checkpointing = True

    @register_to_config
    def __init__(
        self,
        *,
        latent_channels: int,
        block_out_channels: tuple[int, ...],
        layers_per_block: int,
        window: int,
        norm_groups: int,
        tail_width: int,
        scaling_factor: float | tuple[float, ...],
        shift_factor: float | tuple[float, ...],
    ):
        super().__init__()
        _check_sizes(
            latent_channels, block_out_channels, window, norm_groups, tail_width, scaling_factor, shift_factor
        )
        self.spatial_compression = window or 2 ** (len(block_out_channels) - 1)
        if window:
            sizes = latent_channels, window, block_out_channels[0], layers_per_block, norm_groups
            self.encoder, self.decoder = WindowEncoder(*sizes), WindowDecoder(*sizes)
        else:
            sizes = latent_channels, tuple(block_out_channels), layers_per_block, norm_groups
            self.encoder, self.decoder = Encoder(*sizes), Decoder(*sizes)
        self.tail = PixelTail(tail_width, window, block_out_channels[0]) if tail_width else None
        for name, factor in (("latent_shift", shift_factor), ("latent_scale", scaling_factor)):
            channels = torch.as_tensor(factor, dtype=torch.float32).expand(latent_channels).clone()
            self.register_buffer(name, channels)

    def encode(self, video: torch.Tensor) -> Posterior:
        """A whole video to latents.

        Args:
            video: ``(B, 3, 1 + 4k, H, W)`` in [−1, 1], H and W multiples of f_s.

        Returns:
            the distribution over latents ``(B, C, 1 + k, H/f_s, W/f_s)``, not normalised.

        Raises:
            ModelError: a video of another shape, or one that is not finite.
        """
        return self._encode(video, Past())

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """The latents of a whole video to its frames.

        Args:
            latents: ``(B, C, 1 + k, h, w)``, not normalised.

        Returns:
            ``(B, 3, 1 + 4k, H, W)``, about [−1, 1], not clamped.

        Raises:
            ModelError: latents of another shape, or not finite.
        """
        return self._decode(latents, Past())

    def encode_chunk(self, video: torch.Tensor, state: State | None) -> tuple[Posterior, State]:
        """Encode the next chunk of a video; chunk after chunk equals ``encode`` of the whole.

        Args:
            video: ``(B, 3, F, H, W)``; the first chunk has 1 + 4k frames, each later one 4k.
            state: from the chunk before; None for the first.

        Returns:
            the chunk's latents, and the state for the next.

        Raises:
            ModelError: as ``encode``.
        """
        past = Past(state, remember=True)
        return self._encode(video, past), tuple(past.tails)

    def decode_chunk(self, latents: torch.Tensor, state: State | None) -> tuple[torch.Tensor, State]:
        """Decode the next chunk of latents; chunk after chunk equals ``decode`` of the whole.

        Args:
            latents: ``(B, C, t, h, w)``, t ≥ 1.
            state: from the chunk before; None for the first.

        Returns:
            the chunk's frames, 4t (less three in the first chunk), and the state for the next.

        Raises:
            ModelError: as ``decode``.
        """
        past = Past(state, remember=True)
        return self._decode(latents, past), tuple(past.tails)

    def normalise(self, latents: torch.Tensor) -> torch.Tensor:
        """Latents ``(B, C, …)`` as ``(z − shift) · scale`` by channel: the scale on which the DiT works."""
        ones = [1] * (latents.dim() - 2)
        return (latents - self.latent_shift.view(-1, *ones)) * self.latent_scale.view(-1, *ones)

    def denormalise(self, latents: torch.Tensor) -> torch.Tensor:
        """The inverse of ``normalise``."""
        ones = [1] * (latents.dim() - 2)
        return latents / self.latent_scale.view(-1, *ones) + self.latent_shift.view(-1, *ones)

    def set_normalisation(self, shift: torch.Tensor, scale: torch.Tensor) -> None:
        """Set the ``(C,)`` shift and scale of ``normalise``; they are saved with the weights."""
        self.latent_shift.copy_(shift)
        self.latent_scale.copy_(scale)

    def check_video(self, video: torch.Tensor, *, begins: bool) -> None:
        """Raise ModelError unless ``encode``, or with ``begins`` false a later ``encode_chunk``, takes it."""
        self._check("video", video, _COLOURS)
        frames, height, width = video.shape[2:]
        if frames % TEMPORAL_COMPRESSION != int(begins):
            remedy = f"Give {'1 + 4k' if begins else '4k'} frames; repeat the last one to fill a window."
            raise ModelError(f"{frames} frames do not fill windows", where="video", remedy=remedy)
        if height % self.spatial_compression or width % self.spatial_compression:
            problem = f"{width}×{height} pixels are not multiples of {self.spatial_compression}"
            raise ModelError(problem, where="video")

    def check_latents(self, latents: torch.Tensor) -> None:
        """Raise ModelError unless ``decode`` takes them."""
        self._check("latents", latents, self.config.latent_channels)

    def _encode(self, video: torch.Tensor, past: Past) -> Posterior:
        self.check_video(video, begins=past.begins)
        mean, logvar = self.encoder(video, past).chunk(2, 1)
        return Posterior(mean, logvar.clamp(*_LOGVAR_LIMITS))

    def _decode(self, latents: torch.Tensor, past: Past) -> torch.Tensor:
        self.check_latents(latents)
        if not self.config.window:
            return self.decoder(latents, past)
        video, features = self.decoder(latents, past)
        return video if self.tail is None else self.tail(video, features, past)

    def _check(self, name: str, tensor: torch.Tensor, channels: int) -> None:
        if tensor.dim() != 5 or tensor.shape[1] != channels or not all(tensor.shape):
            wanted = f"(batch, {channels}, frames, height, width)"
            raise ModelError(f"the shape is {tuple(tensor.shape)} where {wanted} is needed", where=name)
        # Not in training: to read the answer every step would wait for the GPU, and a loss that is not finite
        # shows the same.
        if not self.training and not tensor.is_meta and not tensor.isfinite().all():
            raise ModelError("a number is not finite", where=name)


def _check_sizes(
    latent_channels: int,
    block_out_channels: Sequence[int],
    window: int,
    norm_groups: int,
    tail_width: int,
    scaling_factor: float | Sequence[float],
    shift_factor: float | Sequence[float],
) -> None:
    where = "VAE configuration"
    if window and len(block_out_channels) != 1:
        raise ModelError("networks of windows have one resolution", where=where)
    if not window and len(block_out_channels) < 3:
        raise ModelError("fewer than three resolutions cannot halve time twice", where=where)
    if tail_width and (not window or window % SIDE):
        raise ModelError(f"a pixel tail needs windows, and divides them by {SIDE}", where=where)
    for channels in block_out_channels:
        if channels % norm_groups:
            problem = f"{channels} channels do not divide into {norm_groups} norm groups"
            raise ModelError(problem, where=where)
    for name, factor in (("scaling_factor", scaling_factor), ("shift_factor", shift_factor)):
        if isinstance(factor, Sequence) and len(factor) != latent_channels:
            raise ModelError(f"{name} has {len(factor)} numbers for {latent_channels} channels", where=where)
