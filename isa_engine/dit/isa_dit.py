"""ISA-DiT whole (Fig. 8): noisy latents, a timestep and conditions to a velocity."""

from collections.abc import Iterator

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.loaders import PeftAdapterMixin
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from torch import nn

from isa_engine.configuration import MODULATIONS, NEW_BRANCHES, TIMESTEP_FEATURES
from isa_engine.dit import positional_encoding as encoding
from isa_engine.dit.camera import CameraTokens
from isa_engine.dit.conditioning import Conditioning
from isa_engine.dit.identity_splat import splatted_identity
from isa_engine.dit.isa_block import ISABlock, LayerInputs, Piece
from isa_engine.dit.kept_points import KeptPoints
from isa_engine.dit.layers import Layers
from isa_engine.dit.near_points import near_points
from isa_engine.dit.normal_maps import NormalTokens
from isa_engine.dit.patches import folded, unfolded
from isa_engine.dit.point_tokens import PointTokens
from isa_engine.dit.readout import READOUTS, velocity_towards
from isa_engine.dit.shared_windows import Neighbours, SharedWindows
from isa_engine.errors import ModelError
from isa_engine.geometry.temporal_windows import TemporalWindows, temporal_windows

# SD3 counts time from 0 to 1000.
_TIMESTEPS = 1000
# Modules that configurations of one trunk do not share: training that starts from another configuration's
# weights takes the trunk from these, and initialises the modules below anew.
OWN_OF_A_READOUT = ("unpatchify", "difference", "splat")


class ISADiT(ModelMixin, ConfigMixin, PeftAdapterMixin):
    """The interspatial diffusion transformer (paper, 5.3).

    Built from ``DiTConfig``: ``ISADiT(**dataclasses.asdict(config.dit))``; every argument is described there.

    Raises:
        ModelError: sizes that do not go together.
    """

    _supports_gradient_checkpointing = True

    @register_to_config
    def __init__(
        self,
        *,
        width: int,
        layers: int,
        heads: int,
        patch: int,
        points: int,
        latent_channels: int,
        image_width: int,
        qk_norm: bool,
        conditioning: str,
        readout: str,
        identity_splat: bool,
        reprojection: bool,
        rendering_radius: float | None,
        position_grid: tuple[int, int] | None,
        temporal_window: int | None,
        temporal_stride: int,
        temporal_anchor: int,
    ):
        super().__init__()
        if width % heads:
            raise ModelError(f"width {width} does not divide into {heads} heads", where="DiT configuration")
        for kind, chosen, known in (
            ("conditioning", conditioning, NEW_BRANCHES),
            ("readout", readout, READOUTS),
        ):
            if chosen not in known:
                remedy = f"Choose one of: {', '.join(known)}."
                raise ModelError(f"no {kind} '{chosen}'", where="DiT configuration", remedy=remedy)
        # Noisy, reference and background latents, or the reprojected ones (Eq. 20), folded into tokens.
        self.patchify = nn.Linear(3 * latent_channels * patch**2, width)
        self.splat = nn.Linear(latent_channels * patch**2, width, bias=False) if identity_splat else None
        self.point_tokens = self.normal_tokens = None
        if conditioning == "controlnet-2d":
            self.normal_tokens = NormalTokens(width, patch)
        else:
            self.point_tokens = PointTokens(width, latent_channels)
        self.camera_tokens = CameraTokens(width)
        self.image_tokens = nn.Sequential(nn.Linear(image_width, width), nn.LayerNorm(width))

        self.timestep_features = Timesteps(TIMESTEP_FEATURES, flip_sin_to_cos=True, downscale_freq_shift=0)
        self.time = TimestepEmbedding(TIMESTEP_FEATURES, width)
        self.shared_modulation = nn.Linear(width, NEW_BRANCHES[conditioning] * MODULATIONS * width)

        self.transformer_blocks = Layers(
            ISABlock(width, heads, qk_norm, conditioning, last=layer == layers - 1) for layer in range(layers)
        )

        self.norm_out = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.modulation_out = nn.Linear(width, 2 * width)
        # Two names for one shape, of which a model has one: the readouts mean different things, and weights
        # of one must not load into the other.
        self.unpatchify = self.difference = None
        if readout == "velocity":
            self.unpatchify = nn.Linear(width, patch**2 * latent_channels)
        else:
            self.difference = nn.Linear(width, patch**2 * latent_channels)

        self._initialise()

    def _initialise(self) -> None:
        """Xavier weights, and zeros where a branch adds to the tokens: at first each is a no-op."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        silent = [self.shared_modulation, self.modulation_out, self.unpatchify or self.difference]
        silent += [] if self.splat is None else [self.splat]
        for block in self.transformer_blocks:
            silent += [block.spatial_modulation, block.camera.attention.to_out, block.image.attention.to_out]
            silent += [] if block.control is None else [block.control.linear]
            if self.config.conditioning == "isa":
                block.isa.look_about()
        for linear in silent:
            nn.init.zeros_(linear.weight)

    def forward(
        self, latents: torch.Tensor, timestep: torch.Tensor, conditioning: Conditioning
    ) -> torch.Tensor:
        """The velocity of noisy latents under conditions.

        Args:
            latents: ``(B, C, t, h, w)``, ``x_t = (1 − timestep) · x0 + timestep · ε``, normalised by the VAE.
            timestep: ``(B,)`` in [0, 1].
            conditioning: of the same batch.

        Returns:
            the velocity ``v = x0 − ε``, ``(B, C, t, h, w)``.

        Raises:
            ModelError: the conditions do not belong to these latents.
        """
        return self.predict(latents, timestep, conditioning)[0]

    def predict(
        self,
        latents: torch.Tensor,
        timestep: torch.Tensor,
        conditioning: Conditioning,
        points: list[torch.Tensor] | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """As ``forward``, and the last tokens, from which the velocity is read.

        Args:
            points: an empty list is filled with the point tokens that each layer's video reads,
                ``(B, F, P, d)``. A list that an earlier pass has filled is read instead, and no points are
                moved. None: neither.

        Returns:
            velocity ``(B, C, t, h, w)``, and tokens ``(B, t, h / patch, w / patch, d)``.
        """
        found = list(self.pieces(latents, timestep, conditioning, points))
        if len(found) == 1:
            return found[0]
        velocities, tokens = zip(*found, strict=True)
        return torch.cat(velocities, 2), torch.cat(tokens, 1)

    def pieces(
        self,
        latents: torch.Tensor,
        timestep: torch.Tensor,
        conditioning: Conditioning,
        points: list[torch.Tensor] | None = None,
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """``predict`` piece by piece along time: a single piece where one temporal window covers the video,
        else those of ``TemporalWindows``."""
        conditioning.check_fits(latents, self.config.patch)
        windows, kept = self.windows(latents.shape[2]), KeptPoints(points, self.config.layers)
        masked = self._masked(conditioning)
        if windows is None:
            piece = self._embedded(latents, timestep, conditioning, kept.moves, masked)
            piece = self.transformer_blocks(piece, kept)
            yield self._read_out(piece, latents, timestep, conditioning)
            return
        latent_clock, frame_clock = self._window_clocks(windows, latents)

        def embedded() -> Iterator[Piece]:
            for first, last in windows.pieces:
                part = latents[:, :, first:last]
                piece = self._embedded(part, timestep, conditioning.part(first, last), kept.moves, masked)
                clocked = piece.inputs._replace(latent_clock=latent_clock, frame_clock=frame_clock)
                yield piece._replace(inputs=clocked)

        done = self.transformer_blocks.in_windows(embedded(), windows, kept)
        for (first, last), piece in zip(windows.pieces, done, strict=True):
            part = latents[:, :, first:last]
            yield self._read_out(piece, part, timestep, conditioning.part(first, last))

    def share(
        self,
        latents: torch.Tensor,
        timestep: torch.Tensor,
        conditioning: Conditioning,
        neighbours: Neighbours,
        points: list[torch.Tensor] | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """``predict`` of a worker's own latents alone; the others do theirs.

        Args:
            latents: of this worker's share (``geometry.temporal_windows.shares``).
            conditioning: of the whole video.
            neighbours: the others, two workers or more in all, and a share for each.
            points: of these latents' frames.
        """
        windows, kept = self.windows(conditioning.cameras.shape[1]), KeptPoints(points, self.config.layers)
        masked, clocks = self._masked(conditioning), self._window_clocks(windows, latents)
        mine = SharedWindows(windows, neighbours, clocks, conditioning.visible if masked else None)
        told = conditioning.part(mine.own.first, mine.own.last)
        # The first layer's tokens are held by nobody here: they go when that layer is through.
        piece = self.transformer_blocks.in_share(
            self._embedded(latents, timestep, told, kept.moves, masked), mine, kept
        )
        return self._read_out(piece, latents, timestep, told)

    def windows(self, latents: int) -> TemporalWindows | None:
        """The temporal windows of so many latents; None where one window covers them all."""
        config = self.config
        return temporal_windows(
            latents, config.temporal_window, config.temporal_stride, config.temporal_anchor
        )

    def _window_clocks(
        self, windows: TemporalWindows, latents: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """``(n, d)`` of the latents of a whole window, and of its frames; as the latents' device and type."""
        latent_clock, frame_clock = encoding.window_clocks(windows.window, self.config.width, latents.device)
        return latent_clock.to(latents.dtype), frame_clock.to(latents.dtype)

    def _masked(self, conditioning: Conditioning) -> bool:
        """Whether attention to points and pictures needs masks. In training it always has them: to look
        would wait for the GPU at each step."""
        return self.training or conditioning.hides

    def _embedded(
        self,
        latents: torch.Tensor,
        timestep: torch.Tensor,
        conditioning: Conditioning,
        moves: bool,
        masked: bool,
    ) -> Piece:
        """Tokens and inputs of a video, or of a part of it, for the first layer."""
        patch = self.config.patch
        rows, columns = latents.shape[-2] // patch, latents.shape[-1] // patch

        position = encoding.pixel_encoding(rows, columns, self.config.width, latents.device).to(latents.dtype)
        inputs = self._layer_inputs(latents, timestep, conditioning, position, masked)

        video = self._video_tokens(latents, conditioning, position)
        needed = moves or self.normal_tokens is not None
        body = self._body_tokens(conditioning, latents.dtype) if needed else None
        return Piece(video, body, inputs)

    def _read_out(
        self, piece: Piece, latents: torch.Tensor, timestep: torch.Tensor, conditioning: Conditioning
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The velocity, and the tokens from which it is read."""
        patch = self.config.patch
        grid = latents.shape[-2] // patch, latents.shape[-1] // patch
        scale, shift = self.modulation_out(piece.inputs.time)[:, None, None].chunk(2, -1)
        tokens = (self.norm_out(piece.video) * (1 + scale) + shift).unflatten(2, grid)
        if self.unpatchify is not None:
            return unfolded(self.unpatchify(tokens), patch), tokens
        estimate = conditioning.background_latents + unfolded(self.difference(tokens), patch)
        return velocity_towards(estimate, latents, timestep), tokens

    def _video_tokens(
        self, latents: torch.Tensor, conditioning: Conditioning, position: torch.Tensor
    ) -> torch.Tensor:
        """Eq. 20, with the background, the cast reprojected before it where the configuration has it so, and
        the splat where it has one: ``(B, t, S, d)``."""
        patch, grid, dtype = self.config.patch, self.config.position_grid, latents.dtype
        if grid is not None:
            rows, columns = (side // patch for side in latents.shape[-2:])
            position = encoding.grid_encoding(rows, columns, self.config.width, *grid, latents.device)
        reference = conditioning.reference_latents.to(dtype)[:, :, None].expand_as(latents)
        reprojects = self.config.reprojection
        known = conditioning.reprojected_latents if reprojects else conditioning.background_latents
        stacked = torch.cat([latents, reference, known.to(dtype)], 1)
        tokens = self.patchify(folded(stacked, patch)) + position.to(dtype)
        if self.splat is None:
            return tokens
        return tokens + self.splat(folded(splatted_identity(conditioning).to(dtype), patch))

    def _body_tokens(self, conditioning: Conditioning, dtype: torch.dtype) -> torch.Tensor:
        """The people as tokens: points' ``(B, F, P, d)``, or the normal maps' ``(B, t, S, d)``."""
        if self.normal_tokens is not None:
            return self.normal_tokens(conditioning.normal_maps.to(dtype))
        return self.point_tokens(
            conditioning.points, conditioning.identity.to(dtype), conditioning.identity_known
        )

    def _layer_inputs(
        self,
        latents: torch.Tensor,
        timestep: torch.Tensor,
        conditioning: Conditioning,
        position: torch.Tensor,
        masked: bool,
    ) -> LayerInputs:
        width, radius = self.config.width, self.config.rendering_radius
        device, dtype = latents.device, latents.dtype
        time = nn.functional.silu(self.time(self.timestep_features(timestep * _TIMESTEPS).to(dtype)))
        modulation = self.shared_modulation(time).unflatten(-1, (-1, width))
        ispe = None
        if self.config.conditioning == "isa":
            ispe = position, encoding.ispe(conditioning.ndc, width).to(dtype)
        return LayerInputs(
            time=time,
            shared_modulation=modulation,
            latent_clock=encoding.latent_clock(latents.shape[2], width, device).to(dtype),
            frame_clock=encoding.frame_clock(conditioning.points.shape[1], width, device).to(dtype),
            ispe=ispe,
            visible=conditioning.visible if masked else None,
            cameras=self.camera_tokens(conditioning.cameras.to(dtype), position),
            image=self.image_tokens(conditioning.image_tokens.to(dtype))[:, None],
            image_known=conditioning.image_known[:, None] if masked else None,
            near=None if radius is None else near_points(conditioning, radius),
        )
