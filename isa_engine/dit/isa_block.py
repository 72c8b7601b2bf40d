"""One layer of ISA-DiT: (video, points) → (video, points) (Eqs. 15 to 18, 21, 23; Fig. 8)."""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import nn

from isa_engine.configuration import MODULATIONS, NEW_BRANCHES
from isa_engine.dit.attention import ConditionAttention
from isa_engine.dit.isa_transformer import ISATransformer
from isa_engine.dit.kept_points import KeptPoints
from isa_engine.dit.near_points import NearPoints
from isa_engine.dit.normal_maps import NormalControl
from isa_engine.dit.shared_windows import SharedWindows
from isa_engine.dit.temporal_windows import OverWindows
from isa_engine.dit.transformer import Transformer
from isa_engine.geometry.frames import frames_before
from isa_engine.geometry.temporal_windows import TemporalWindows


class LayerInputs(NamedTuple):
    """What every layer reads beside its tokens; computed once a forward pass.

    Attributes:
        time: ``(B, d)`` embedding of the timestep, after its SiLU.
        shared_modulation: ``(B, 6 · new branches, d)``.
        latent_clock, frame_clock: ``(t, d)`` and ``(F, d)`` encodings of time; with temporal windows, of the
            latents and frames of one window.
        ispe: PE(s_ndc) ``(S, d)`` and PE(g_ndc) ``(B, F, P, d)``, or None.
        visible: ``(B, F, P)`` bool; None where all are.
        cameras: ``(B, t, S, d)`` camera tokens.
        image: ``(B, 1, L, d)`` tokens of the reference pictures.
        image_known: ``(B, 1, L)`` bool; None where all are.
        near: the points that rendering looks at; None: all visible ones.
    """

    time: torch.Tensor
    shared_modulation: torch.Tensor
    latent_clock: torch.Tensor
    frame_clock: torch.Tensor
    ispe: tuple[torch.Tensor, torch.Tensor] | None
    visible: torch.Tensor | None
    cameras: torch.Tensor
    image: torch.Tensor
    image_known: torch.Tensor | None
    near: NearPoints | None = None


class Piece(NamedTuple):
    """A part of a video on its way through the layers.

    Attributes:
        video: ``(B, n, S, d)`` tokens.
        body: point tokens ``(B, f, P, d)`` or the normal maps' ``(B, n, S, d)``; None where the points are
            read as an earlier pass left them.
        inputs: of these latents and frames.
    """

    video: torch.Tensor
    body: torch.Tensor | None
    inputs: LayerInputs


class ISABlock(nn.Module):
    """SD3's spatial block, and around it the branches of the paper, which start as no-ops.

    The spatial block has a modulation of its own, as in SD3, so that SD3's weights fit it unchanged. For the
    new branches all layers share one modulation, to which each adds a learned table, as in PixArt-α: one of
    each layer's own would be a quarter of the model's parameters.

    Args:
        width, heads, qk_norm: as in ``attention.Attention``.
        conditioning: as in ``DiTConfig``.
        last: whether this is the last layer: nobody reads its points, so they are not updated.
    """

    def __init__(self, width: int, heads: int, qk_norm: bool, conditioning: str, last: bool):
        super().__init__()
        self.spatial_modulation = nn.Linear(width, MODULATIONS * width)
        self.branches = NEW_BRANCHES[conditioning]
        self.modulation_table = nn.Parameter(torch.zeros(self.branches * MODULATIONS, width))
        self.spatial = Transformer(width, heads, qk_norm)
        self.temporal = Transformer(width, heads, qk_norm, across=True)
        self.point_temporal = self.isa = self.control = None
        if conditioning == "controlnet-2d":
            self.control = NormalControl(width)
        else:
            self.point_temporal = Transformer(width, heads, qk_norm, maskable=True, across=True)
            self.isa = ISATransformer(width, heads, qk_norm, last)
        self.camera = ConditionAttention(width, heads, qk_norm)
        self.image = ConditionAttention(width, heads, qk_norm, maskable=True)

    def compile(self, *args, **kwargs) -> None:
        """``nn.Module.compile``: the layer as a whole; and for windows each part that a window or a piece
        goes through, since these are not run by ``forward``."""
        super().compile(*args, **kwargs)
        across = [branch for branch in (self.temporal, self.point_temporal) if branch is not None]
        within = (self.spatial, self.isa or self.control, self.camera, self.image)
        for part in (*within, *(part for branch in across for part in (branch.attention, branch.stream))):
            part.compile(*args, **kwargs)

    def forward(
        self,
        video: torch.Tensor,
        body: torch.Tensor | None,
        inputs: LayerInputs,
        read: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """One layer of a whole video.

        Args:
            video: tokens ``(B, t, S, d)``.
            body: point tokens ``(B, F, P, d)``, or the normal maps' ``(B, t, S, d)``.
            inputs: what all layers share.
            read: ``(B, F, P, d)``, point tokens that this layer's video read in an earlier pass. The video
                reads them again and the points are not moved, so ``body`` may be None.

        Returns:
            video tokens and point tokens, of the same shapes; and the point tokens that the video read.
        """
        spatial, temporal, *points = self._modulations(inputs)
        # Eq. 15
        video = self.spatial(video, spatial)
        # Eq. 16
        video = self.temporal(video, temporal, inputs.latent_clock[:, None])
        moves = read is None and self.control is None
        if moves:
            # Eq. 17
            read = self.point_temporal(body, points[0], inputs.frame_clock[:, None], inputs.visible)
        video, moved = self._within_latents(video, body if read is None else read, points, inputs, moves)
        return video, moved if moves else body, body if read is None else read

    def in_windows(
        self, pieces: Iterator[Piece], windows: TemporalWindows, kept: KeptPoints
    ) -> Iterator[Piece]:
        """``forward`` of a video that comes in pieces, with attention across time in windows.

        Args:
            pieces: as ``windows.pieces`` has them, each with its own inputs.

        Yields:
            the same pieces, as soon as no window to come reaches them.
        """
        waiting, video, body = deque(), None, None
        moves = kept.moves and self.control is None
        for piece in pieces:
            spatial, temporal, *points = self._modulations(piece.inputs)
            waiting.append(piece)
            if video is None:
                video = OverWindows(self.temporal, temporal, piece.inputs.latent_clock, windows)
                if moves:
                    clock = piece.inputs.frame_clock
                    body = OverWindows(self.point_temporal, points[0], clock, windows, frames_before)
            done = video.push(self.spatial(piece.video, spatial))
            moved = body.push(piece.body, piece.inputs.visible) if moves else [None] * len(done)
            for tokens, read in zip(done, moved, strict=True):
                began = waiting.popleft()
                if not moves:
                    read = kept.stored() if self.control is None else began.body
                kept.keep(read)
                tokens, looked = self._within_latents(tokens, read, points, began.inputs, moves)
                yield Piece(tokens, looked if moves else began.body, began.inputs)

    def in_share(self, piece: Piece, windows: SharedWindows, kept: KeptPoints) -> Piece:
        """``in_windows`` for one worker's part of a video whose other parts other workers have."""
        spatial, temporal, *points = self._modulations(piece.inputs)
        video = windows.across(self.temporal, self.spatial(piece.video, spatial), temporal)
        moves = kept.moves and self.control is None
        if moves:
            read = windows.across(self.point_temporal, piece.body, points[0], frames_before)
        else:
            read = kept.stored() if self.control is None else piece.body
        kept.keep(read)
        video, moved = self._within_latents(video, read, points, piece.inputs, moves)
        return Piece(video, moved if moves else piece.body, piece.inputs)

    def _modulations(self, inputs: LayerInputs) -> tuple[torch.Tensor, ...]:
        """``(B, 6, d)`` of the spatial, the temporal and the points' branches."""
        spatial = self.spatial_modulation(inputs.time).unflatten(-1, (MODULATIONS, -1))
        return spatial, *(inputs.shared_modulation + self.modulation_table).chunk(self.branches, 1)

    def _within_latents(
        self,
        video: torch.Tensor,
        body: torch.Tensor,
        modulations: list[torch.Tensor],
        inputs: LayerInputs,
        moves: bool,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The branches in which no latent sees another: points or normal maps, camera, reference pictures.

        ``video`` and ``body`` are the tokens of ``forward``.
        """
        if self.control is not None:
            video = self.control(video, body)
        else:
            # Eq. 18
            told = inputs.visible, inputs.ispe, inputs.near
            video, body = self.isa(video, body, *modulations[1:], *told, moves)
        # Eq. 23
        video = self.camera(video, inputs.cameras)
        # Eq. 21
        frames = video.shape[1:3]
        video = self.image(video.flatten(1, 2)[:, None], inputs.image, inputs.image_known)
        return video.squeeze(1).unflatten(1, frames), body
